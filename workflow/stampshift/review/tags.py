"""Reasons that a rater may give with a vote, in words of the field."""

TAGS = (  # by their keys, 1 to 8
    "saturated",
    "bad CCD",
    "dipole",
    "trail",
    "cosmic ray",
    "spike or ghost",
    "edge",
    "bad template",
)
SEPARATOR = ";"
