"""What a reader makes of a candidate, before any preprocessing."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class RawTriplet(NamedTuple):
    """A triplet as its survey published it, before any preprocessing.

    Attributes
    ----------
    images
        Three 2-D float32 arrays (any size, in pixels and in the survey's own units), ordered as
        `stamps.CHANNELS`.
    survey_class
        The survey's own class, such as ``"kast"``; the config's class map makes it real or bogus.
        `stamps.UNLABELLED_CLASS` where nobody has said what it is.
    identifier
        The survey's identifier of the candidate.
    group
        Identifier of the astronomical object, ``""`` where the survey gives none.
    """

    images: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    survey_class: str
    identifier: str
    group: str


class Unusable(NamedTuple):
    """A candidate of which no triplet can be made: it is dropped, and counted by its reason.

    Attributes
    ----------
    reason
        A few words, such as ``"missing cutout"``.
    identifier
        The survey's identifier of the candidate, ``""`` if it cannot be told.
    detail
        Where it lies, what was expected and found.
    """

    reason: str
    identifier: str
    detail: str
