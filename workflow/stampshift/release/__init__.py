"""Released models: a folder that holds everything that a score needs, and how far it can be trusted."""
