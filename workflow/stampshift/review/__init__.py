"""The review page: people look at stamps in a browser and say what they are."""
