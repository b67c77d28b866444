"""Released models: a folder that holds everything that a score needs, and what can be said of its trust."""
