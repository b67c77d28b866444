"""Real/bogus classification of alert stamps across surveys, with few labels of the new one."""

__version__ = "0.1.0"
