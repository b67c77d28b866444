"""What a packet becomes: an alert with its three images, or with the problem that it has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNREADABLE_PACKET = "unreadable packet"
MISSING_CUTOUT = "missing cutout"
UNREADABLE_CUTOUT = "unreadable cutout"
UNKNOWN_SCHEMA = "unknown schema"
PROBLEMS = (UNREADABLE_PACKET, MISSING_CUTOUT, UNREADABLE_CUTOUT, UNKNOWN_SCHEMA)

Images = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Alert:
    """One packet of any survey.

    Attributes
    ----------
    place
        File, and record or member, for messages.
    survey
        Name of its dialect, a key of `dialects.DIALECTS`; ``""`` if it cannot be told.
    identifier
        Of the detection: `candid`, `diaSourceId`, as text; ``""`` if it cannot be told.
    group
        Of the astronomical object: `objectId`, `diaObjectId`; ``""`` where there is none.
    images
        Three 2-D float32 arrays ordered as `stamps.CHANNELS`, in the survey's units and with its marks of
        invalid pixels; None if there is a problem.
    problem
        ``""``, or one of `PROBLEMS`.
    detail
        What was expected and found, for the log.
    survey_score
        The survey's own real/bogus score as published, NaN where there is none; never used for training.
    """

    place: str
    survey: str
    identifier: str
    group: str
    images: Images | None
    problem: str
    detail: str
    survey_score: float


def unread(place: str, problem: str, detail: str) -> Alert:
    """An alert of which nothing is known but where it lies and what is wrong with it."""
    return Alert(place, "", "", "", None, problem, detail, float("nan"))
