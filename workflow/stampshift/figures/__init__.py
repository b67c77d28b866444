"""Figures: a table in, a matplotlib `Figure` out. Nothing is saved and no global state is touched."""
