"""A trained model and a few labels of a new survey: an adapted model, and what it gained and lost."""
