"""Triplets of an archive that show what preprocessing does: an ordinary one, one to fill, an extreme one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stampshift.core.errors import ArchiveError
from stampshift.stamps.cropping import central_crop, unfit
from stampshift.stamps.preprocessing import Block, Preprocessing, preprocess
from stampshift.stamps.raw_triplets import RawTriplet
from stampshift.surveys import READERS

ORDINARY, FILLED, EXTREME = "ordinary", "filled", "extreme"

Cases = dict[str, tuple[RawTriplet, Block]]


def first_cases(
    paths: Sequence[Path],
    *,
    survey: str,
    reader: str,
    options: Mapping[str, Any],
    preprocessing: Preprocessing,
    counts: Mapping[str, Mapping[str, int]],
) -> Cases:
    """First triplet of each case that preprocessing keeps, as published and preprocessed.

    In the crop of an `ORDINARY` triplet every pixel is valid, in that of a `FILLED` one some are not, and in
    that of an `EXTREME` one a whole channel is invalid. `counts` are those in the stamps file's attributes:
    an archive is read no further than to the last case that they promise, or to the first ordinary triplet
    where they promise none; other cases may be missing. Raises an `ArchiveError` if it cannot be read.
    """
    filled, empty = (sum(counts[name].values()) for name in ("filled_stamps", "empty"))
    wanted = {FILLED if filled > empty else ORDINARY, *([EXTREME] if empty else [])}
    archive, found = READERS[reader](options, preprocessing.invalid), Cases()
    try:
        for triplet in archive.candidates(paths):
            if not isinstance(triplet, RawTriplet):
                continue
            case = _case(triplet, preprocessing)
            if case and case not in found:
                block = preprocess([triplet], preprocessing)
                found |= {case: (triplet, block)} if block.ids else {}
            if wanted <= found.keys():
                break
    except ArchiveError as error:
        raise ArchiveError(f"{survey}: {error}") from error
    return found


def _case(triplet: RawTriplet, preprocessing: Preprocessing) -> str | None:
    """`ORDINARY`, `FILLED` or `EXTREME`; None for a triplet that cannot be cropped."""
    size = preprocessing.size_pixels
    if unfit(triplet.images, size_pixels=size):
        return None
    crops = [central_crop(image, size_pixels=size) for image in triplet.images]
    invalid = preprocessing.invalid.mask(np.stack(crops))
    if invalid.all(axis=(1, 2)).any():
        return EXTREME
    return FILLED if invalid.any() else ORDINARY
