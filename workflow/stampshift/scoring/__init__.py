"""Scores of a night by a released model, and what they show about the night."""
