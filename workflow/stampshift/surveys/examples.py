"""The first triplets of every class of a raw archive, as published and preprocessed."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from stampshift.core.errors import ArchiveError
from stampshift.stamps.file import LABELS
from stampshift.stamps.preprocessing import Block, InvalidPixels, preprocess
from stampshift.stamps.triplets import RawTriplet
from stampshift.surveys import READERS, Reader


def first_examples(
    paths: Sequence[Path],
    *,
    survey: str,
    reader: str,
    options: Mapping[str, Any],
    classes: Mapping[str, str],
    invalid: InvalidPixels,
    size_pixels: int,
    normalisation: str,
    per_class: int,
) -> tuple[list[RawTriplet], Block]:
    """Read the first triplets of every class that preprocessing keeps; reading stops once there are enough.

    Parameters
    ----------
    paths
        Files and folders of the archive.
    survey
        Name of the survey, for messages.
    reader
        Key of `surveys.READERS`: the format of the archive.
    options
        Of that reader.
    classes
        Map of each of the survey's classes to ``"real"`` or ``"bogus"``.
    invalid
        The survey's marks of invalid pixels.
    size_pixels
        Side of the preprocessed stamps.
    normalisation
        Key of `preprocess.NORMALISATIONS`.
    per_class
        Triplets of each class; a class with fewer gives all that it has.

    Returns
    -------
    triplets
        As published: the classes of reals first, then by name, each in the order of the archive.
    block
        The same triplets in the same order, preprocessed.

    Raises
    ------
    ArchiveError
        If the archive cannot be read, holds a class that the map does not, or has no triplet to keep.
    """
    ordered = sorted(classes, key=lambda name: (-LABELS[classes[name]], name))
    found: dict[str, list[RawTriplet]] = {name: [] for name in ordered}
    preprocessed = partial(
        preprocess,
        size_pixels=size_pixels,
        normalisation=normalisation,
        invalid=invalid,
        classes=classes,
        unlabelled="drop",
    )
    try:
        for triplet in _triplets(paths, READERS[reader](options, invalid)):
            # a class outside the map is for `preprocess` to refuse
            if len(found.get(triplet.survey_class, ())) < per_class and preprocessed([triplet]).ids:
                found[triplet.survey_class].append(triplet)
                if all(len(examples) == per_class for examples in found.values()):
                    break
    except ArchiveError as error:
        raise ArchiveError(f"{survey}: {error}") from error
    triplets = list(chain.from_iterable(found.values()))
    if not triplets:
        raise ArchiveError(
            f"{survey}: expected square triplets of at least {size_pixels} pixels in "
            f"{', '.join(map(str, paths))}, found none. Name the whole archive in the config."
        )
    return triplets, preprocessed(triplets)


def _triplets(paths: Sequence[Path], reader: Reader) -> Iterator[RawTriplet]:
    for unit in reader.units(paths):
        for triplet in reader.decode(unit):
            if isinstance(triplet, RawTriplet):
                yield triplet
