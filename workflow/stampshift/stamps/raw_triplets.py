"""What a reader makes of a candidate, before any preprocessing."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stampshift.stamps.metadata import NO_METADATA, Metadata

Image = NDArray[np.float32]
Triplet = tuple[Image, Image, Image]


# what surveys and tools write where a candidate has no object
NO_OBJECT_WORDS = {"", "-", "--", "none", "null", "nan", "nat", "na", "n/a", "<na>", "unknown"}
NO_OBJECT_NUMBERS = {0, -1, -9, -99, -999, -9999}


class RawTriplet(NamedTuple):
    """A triplet as its survey published it."""

    images: Triplet  # 2-D float32 of any size, in the survey's units, ordered as `stamps.file.CHANNELS`
    survey_class: str  # such as "kast", or `UNLABELLED_CLASS`
    identifier: str
    group: str  # identifier of the astronomical object, "" where the survey gives none
    metadata: Metadata = NO_METADATA


class Unusable(NamedTuple):
    """A candidate of which no triplet can be made: it is dropped, and counted by its reason."""

    reason: str  # a few words, such as "missing cutout"
    identifier: str  # "" if it is not known
    detail: str  # where it is, what was expected and found


@dataclass(frozen=True)
class InvalidPixels:
    """Which pixel values of a survey are marks and not measurements; NaN and inf always are."""

    equals: float | None = None  # in the survey's units, as are the other two
    magnitude_above: float | None = None  # pixels of at least this absolute value
    nonzero_below: float | None = None  # pixels of less than this absolute value, except those that are 0

    def mask(self, pixels: Image) -> NDArray[np.bool_]:
        """Which pixels are invalid, for float32 `pixels` of any shape."""
        invalid = ~np.isfinite(pixels)
        if self.equals is not None:
            invalid |= pixels == np.float32(self.equals)
        if self.magnitude_above is not None:
            invalid |= np.abs(pixels) >= self.magnitude_above
        if self.nonzero_below is not None:
            invalid |= (np.abs(pixels) < self.nonzero_below) & (pixels != 0)
        return invalid


def object_of(value: object) -> str:
    """Identifier of an astronomical object as text, ``""`` for a placeholder such as 0, -1, "null" or NaN."""
    text = "" if value is None else str(value).strip()
    if text.lower() in NO_OBJECT_WORDS:
        return ""
    try:
        return "" if float(text) in NO_OBJECT_NUMBERS else text
    except ValueError:
        return text


def triplet_of(*images: Image, invalid: InvalidPixels) -> Triplet:
    """Template, science and difference; of a survey without templates, from science and difference alone.

    The template is science - difference then, NaN where either is invalid: marks would become ordinary
    pixels of it. Where the two differ in shape, science takes its place, and preprocessing drops them.
    """
    *published, science, difference = images
    if published:
        return published[0], science, difference
    if science.shape != difference.shape:
        return science, science, difference
    with np.errstate(invalid="ignore", over="ignore"):
        template: Image = science - difference
    template[invalid.mask(science) | invalid.mask(difference)] = np.nan
    return template, science, difference
