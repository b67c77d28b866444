"""The first triplets of every class of a raw archive, as published and preprocessed."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from stampshift.core.errors import ArchiveError
from stampshift.stamps.file import LABELS
from stampshift.stamps.preprocessing import Block, Preprocessing, preprocess
from stampshift.stamps.raw_triplets import RawTriplet
from stampshift.surveys import READERS


def first_examples(
    paths: Sequence[Path],
    *,
    survey: str,
    reader: str,
    options: Mapping[str, Any],
    preprocessing: Preprocessing,
    per_class: int,
) -> tuple[list[RawTriplet], Block]:
    """Read the first triplets of every class that preprocessing keeps; reading stops once there are enough.

    The triplets are as published, the classes of reals first, then by name, each in the order of the archive;
    the block has the same ones preprocessed. A class with fewer than `per_class` gives all it has. Raises an
    `ArchiveError` if the archive cannot be read, holds a class that the map does not, or has no triplet to
    keep.
    """
    classes = preprocessing.classes
    ordered = sorted(classes, key=lambda name: (-LABELS[classes[name]], name))
    found: dict[str, list[RawTriplet]] = {name: [] for name in ordered}
    archive = READERS[reader](options, preprocessing.invalid)
    try:
        for triplet in chain.from_iterable(map(archive.decode, archive.units(paths))):
            if not isinstance(triplet, RawTriplet):
                continue
            # a class outside the map is for `preprocess` to refuse
            enough = len(found.get(triplet.survey_class, ())) >= per_class
            if not enough and preprocess([triplet], preprocessing).ids:
                found[triplet.survey_class].append(triplet)
                if all(len(examples) == per_class for examples in found.values()):
                    break
    except ArchiveError as error:
        raise ArchiveError(f"{survey}: {error}") from error
    triplets = list(chain.from_iterable(found.values()))
    if not triplets:
        raise ArchiveError(
            f"{survey}: expected square triplets of at least {preprocessing.size_pixels} pixels in "
            f"{', '.join(map(str, paths))}, found none. Name the whole archive in the config."
        )
    return triplets, preprocess(triplets, preprocessing)
