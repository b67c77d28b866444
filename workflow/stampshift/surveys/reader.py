"""What a reader of raw archives is, and what the readers of any survey share: triplets and label files.

A label file is a table of `id` and `label` beside an archive that holds no labels.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.formats.fits import image_of
from stampshift.stamps.file import CHANNELS, UNLABELLED_CLASS
from stampshift.stamps.raw_triplets import Image, InvalidPixels, RawTriplet, Triplet, Unusable, triplet_of

COMPUTED_TEMPLATE = "science - difference"
LABEL_COLUMNS = ("id", "label")


class StoredCandidate(NamedTuple):
    """A candidate as its archive stores it; images are arrays or (gzipped) FITS bytes."""

    place: str  # for messages
    identifier: str
    group: str
    survey_class: str
    images: dict[str, Any]  # by the archive's names in the order of `CHANNELS`, perhaps without the template


def decode_stored(unit: Sequence[StoredCandidate], *, invalid: InvalidPixels) -> Iterator[RawTriplet]:
    """Triplets of stored candidates; a computed template does not inherit `invalid` pixels."""
    for place, identifier, group, survey_class, cells in unit:
        images = (image_of(cell, place=f"{place}, {name}") for name, cell in cells.items())
        yield RawTriplet(triplet_of(*images, invalid=invalid), survey_class, identifier, group)


@dataclass(frozen=True)
class Reader:
    """How the raw archive of one survey is read."""

    # the archive's files among files and folders, without the label file, in the order in which they are read
    files: Callable[[Sequence[Path]], list[Path]]
    # its work units, in archive order: picklable and bounded, raw bytes or where they are
    units: Callable[[Sequence[Path]], Iterator[Any]]
    # candidates of one unit, in any process
    decode: Callable[[Any], Iterator[RawTriplet | Unusable]]
    # labels by identifier where the archive itself holds none
    label_file: Path | None = None
    # whether a candidate may come more than once; it counts once then
    repeats: bool = False


def stored_channels(options: Mapping[str, Any]) -> list[str]:
    """Channels that the archive holds, in its order."""
    stored = [name for name in CHANNELS if name != "template" or options.get("template") != COMPUTED_TEMPLATE]
    return list(options.get("channels", stored))


def named(planes: Sequence[Image], channels: Sequence[str], *, place: str) -> dict[str, Image]:
    """Images by channel, from the planes of a cube or a file; an `ArchiveError` if their numbers differ."""
    if len(planes) != len(channels):
        raise ArchiveError(
            f"{place}: expected {len(channels)} images ({', '.join(channels)}), found {len(planes)}. "
            "Complete or remove it, or declare its `channels` in the config."
        )
    return dict(zip(channels, planes, strict=True))


def masked_triplet(
    images: Mapping[str, Image], masks: Sequence[Image], *, invalid: InvalidPixels, place: str
) -> Triplet:
    """Template, science and difference, NaN where masked; a missing template is science - difference.

    There may be no mask, one for all `images`, or one for each of them, non-zero where a pixel is invalid; a
    computed template does not inherit `invalid` pixels either.
    """
    if len(masks) == 1:
        masks = list(masks) * len(images)
    masked = dict(images)
    for name, mask in (named(masks, list(images), place=f"{place}, mask") if masks else {}).items():
        if mask.shape != images[name].shape:
            raise ArchiveError(
                f"{place}: expected a mask as large as the image, {images[name].shape}, found {mask.shape}. "
                "Correct the mask."
            )
        masked[name] = np.where(mask != 0, np.float32(np.nan), images[name])
    return triplet_of(*(masked[name] for name in CHANNELS if name in masked), invalid=invalid)


def classes_by_id(path: Path) -> Mapping[str, str]:
    """Class of each candidate that a label file (CSV or Parquet) names; lines without a label are left out.

    Raises an `ArchiveError` if it cannot be read, lacks a column, or gives a candidate two labels.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ArchiveError(f"{path}: no such label file. Correct the path in the config.") from error
    return _read_labels(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)  # every unit of an archive asks for it
def _read_labels(path: Path, modified: int, size: int) -> Mapping[str, str]:  # noqa: ARG001
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path, columns=list(LABEL_COLUMNS))
        else:
            # no `comment="#"`: an id may contain one; and no word for a gap, which an id may be too
            table = pd.read_csv(
                StringIO(_without_comments(path.read_bytes().decode("utf-8-sig"))),
                usecols=list(LABEL_COLUMNS),
                dtype=str,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=[""],
            )
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ArchiveError(
            f"{path}: expected a CSV or Parquet table with the columns id and label, but it cannot be read "
            f"as one ({error})."
        ) from error
    table = table.dropna().astype(str).drop_duplicates()
    twice = table[table["id"].duplicated()]
    if len(twice):
        identifier = twice["id"].iloc[0]
        found = " and ".join(table["label"][table["id"] == identifier])
        raise ArchiveError(
            f"{path}: expected one label for each id, found {found} for {identifier} ({len(twice)} such "
            "ids). Decide on one."
        )
    return dict(zip(table["id"], table["label"], strict=True))


def _without_comments(text: str) -> str:
    """Lines of a CSV table but for those that begin with "#", unless they are inside a quoted cell."""
    lines, kept = StringIO(text, newline=""), list[str]()

    def keep(more: Iterable[str]) -> Iterator[str]:
        for line in more:
            kept.append(line)
            yield line

    for line in lines:
        if not line.startswith("#"):
            # takes as many lines as the record has
            next(csv.reader(keep(chain([line], lines))))
    return "".join(kept)


def class_of(identifier: str, label_file: Path | None) -> str:
    """Class of a candidate by the label file; unlabelled where that does not name it or is None."""
    return classes_by_id(label_file).get(identifier, UNLABELLED_CLASS) if label_file else UNLABELLED_CLASS


def without(label_file: Path | None, files: Sequence[Path]) -> list[Path]:
    """Files of an archive except the label file, which may be among them."""
    return [path for path in files if label_file is None or path.resolve() != label_file.resolve()]


def check_labels(path: Path, classes: Mapping[str, str]) -> None:
    """Raise an `ArchiveError` at the first label that is no class of the survey's map."""
    for identifier, name in classes_by_id(path).items():
        if name not in classes and name != UNLABELLED_CLASS:
            raise ArchiveError(
                f"{path}: expected labels among the classes of the config's map "
                f"({', '.join(sorted(classes))}), found {name!r} for {identifier}. Correct it, or add it to "
                "the survey's `classes` as real or bogus."
            )
