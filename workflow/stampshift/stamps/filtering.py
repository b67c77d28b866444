"""Which triplets become stamps; every other one is counted by its reason."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError
from stampshift.stamps.counts import Counts
from stampshift.stamps.file import UNLABELLED_CLASS
from stampshift.stamps.triplets import RawTriplet, Unusable


def usable(
    triplets: Iterable[RawTriplet | Unusable],
    *,
    counts: Counts,
    dropped_ids: list[str],
    problems: list[str],
) -> Iterator[RawTriplet]:
    """Triplets that could be made; of the others, identifier and what was wrong are put into the lists."""
    for triplet in triplets:
        if isinstance(triplet, Unusable):
            counts.read += 1
            counts.dropped[triplet.reason] += 1
            dropped_ids.append(triplet.identifier)
            problems.append(triplet.detail)
        else:
            yield triplet


def of_known_class(
    triplets: Iterable[RawTriplet], *, classes: Mapping[str, str], unlabelled: str, counts: Counts
) -> Iterator[RawTriplet]:
    """Triplets with a class of the map, and unlabelled ones if these are to be kept.

    Raises
    ------
    ArchiveError
        If a triplet has a class that the map does not hold.
    """
    for triplet in triplets:
        name = triplet.survey_class
        if name not in classes and name != UNLABELLED_CLASS:
            raise ArchiveError(
                f"candidate {triplet.identifier}: expected a class of the config's map "
                f"({', '.join(sorted(classes))}), found {name!r}. Add it to the survey's "
                "`classes` as real or bogus."
            )
        counts.read += 1
        counts.classes_read[name] += 1
        if name == UNLABELLED_CLASS and unlabelled == "drop":
            counts.dropped[UNLABELLED_CLASS] += 1
        else:
            yield triplet


def square(
    triplets: Iterable[RawTriplet], *, size_pixels: int, counts: Counts, dropped_ids: list[str]
) -> Iterator[RawTriplet]:
    """Triplets of three square images of one size, at least that of the crop; the others' ids are noted."""
    for triplet in triplets:
        reason = unfit(triplet.images, size_pixels=size_pixels)
        if reason:
            counts.dropped[reason] += 1
            dropped_ids.append(triplet.identifier)
        else:
            yield triplet


def unfit(images: Sequence[NDArray[np.float32]], *, size_pixels: int) -> str:
    """Why a triplet cannot be cropped, one of `counts.REASONS`; ``""`` if it can."""
    shapes = {image.shape for image in images}
    if any(len(shape) != 2 or shape[0] != shape[1] for shape in shapes):
        return "non_square"
    if len(shapes) != 1:
        return "ragged"
    return "too_small" if images[0].shape[0] < size_pixels else ""
