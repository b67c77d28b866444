"""The version of stampshift, here alone; it counts in no digest of code."""

__version__ = "0.1.0"
