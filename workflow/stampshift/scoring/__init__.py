"""Scores of a night by a released model, and what they tell of the night."""
