"""The lines of a scores file: what stands in each column, and the flags."""

from dataclasses import dataclass

import pyarrow as pa

NOT_SQUARE, RAGGED, TOO_SMALL = "not square", "sizes differ", "too small"
NO_VALID_PIXEL = "no valid pixel"
UNFIT = {"non_square": NOT_SQUARE, "ragged": RAGGED, "too_small": TOO_SMALL}

SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # of the candidate, as its survey has it
        ("object", pa.string()),  # of the astronomical object, empty where there is none
        ("survey", pa.string()),
        ("score", pa.float32()),  # calibrated P(real), missing where it cannot be told
        ("real", pa.bool_()),  # whether the score is at least the threshold, missing like it or without one
        ("similarity", pa.float32()),
        ("distance", pa.float32()),
        ("survey_score", pa.float32()),  # the survey's own, missing where it has none
        ("flags", pa.string()),
        ("reason", pa.string()),  # of a candidate that has no score, a sentence
        ("place", pa.string()),  # file, and record or row
    ]
)


@dataclass(frozen=True)
class Candidate:
    """What is known of a candidate before it is scored.

    Attributes
    ----------
    place, survey, identifier, group, survey_score
        As those of `alerts.Alert`.
    flag, reason
        Why it cannot be scored; both empty if it can.
    """

    place: str
    survey: str
    identifier: str
    group: str
    survey_score: float
    flag: str
    reason: str
