"""Candidates of ATLAS' pickle, in every form in which people pickle images and their labels together.

A pickle is a list of records, a dictionary of records by identifier, or columns: a dictionary, a list of such
dictionaries, or a pandas frame. A record or a row has the class (`labels_str`, `label`, `labels` or `class`;
a name or a number), perhaps `id`, and its images: `science` and `difference`, or both together as `images`.
Each image is an array, FITS bytes, gzipped or not, or an HDU of astropy. Both together are two of them, their
dictionary, one array of two planes, or the HDUs of one file; unless names say otherwise, science comes first.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.formats.cells import as_text
from stampshift.formats.fits import read_planes
from stampshift.formats.pickled_fits import HDUList, Header, ImageHDU, images_in
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.raw_triplets import Unusable
from stampshift.surveys.reader import (
    EXTENSIONS,
    MISSING_IMAGE,
    MISSING_LABEL,
    UNREADABLE_IMAGE,
    StoredCandidate,
    named,
)

LABELS = ("labels_str", "label", "labels", "class", "classes")
IDENTIFIERS = ("id", "ids", "object_ids")
BOTH_IMAGES = ("images", "image")
STORED = ("science", "difference")  # the order of two images without names; there is no template
Images = list[tuple[str, Any]]


def candidates(content: Any, *, archive: str, remedy: str) -> Iterator[StoredCandidate | Unusable]:
    """Candidates of a pickle's content, in its order; `archive` names it in messages.

    A candidate without a class or an image is unusable. An `ArchiveError` that ends with `remedy` is raised
    if the content has none of the forms, and one if its columns differ in length: nobody knows which cells
    belong together.
    """
    for row, record in enumerate(_records(content, archive, remedy)):
        identifier = _text(_first_of(record, IDENTIFIERS)) or str(row)
        place = f"{archive}, candidate {identifier}"
        survey_class = _text(_first_of(record, LABELS))
        try:
            images = _images(record, place)
        except ArchiveError as error:
            yield Unusable(UNREADABLE_IMAGE, identifier, str(error))
            continue
        missing = [name for name in STORED if images.get(name) is None] + ["label"] * (not survey_class)
        if missing:
            reason = MISSING_LABEL if missing == ["label"] else MISSING_IMAGE
            found = ", ".join(sorted(map(as_text, record)))
            expected = "expected science, difference and label"
            yield Unusable(reason, identifier, f"{place}: {expected}, found no {missing[0]} among {found}.")
        else:
            yield StoredCandidate(place, identifier, "", survey_class, images)


def _first_of(record: Mapping[Any, Any], names: tuple[str, ...]) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), None)


def _text(cell: Any) -> str:
    """A class or an identifier as text, "" if it is none."""
    if isinstance(cell, np.ndarray) and cell.size == 1:
        cell = cell.item()
    return as_text(cell) if isinstance(cell, str | bytes | int | float | np.generic) else ""


def _channel(name: Any) -> str:
    """The channel that a key or an extension names, "" if none."""
    return EXTENSIONS.get(as_text(name).strip().upper(), "")


def _has_images(record: Any) -> bool:
    return isinstance(record, dict) and any(_channel(name) or name in BOTH_IMAGES for name in record)


def _records(content: Any, place: str, remedy: str) -> list[dict[Any, Any]]:
    """The records of a pickle in any of its forms."""
    if isinstance(content, pd.DataFrame):
        content = {name: list(content[name]) for name in content.columns}
    if _has_images(content):
        return _of_columns(content, place)
    if isinstance(content, dict) and all(isinstance(each, dict) for each in content.values()):
        content = [{"id": key, **record} for key, record in content.items()]
    if isinstance(content, list | tuple) and all(isinstance(each, dict) for each in content):
        parts = [_of_columns(each, place) if _is_columns(each) else [each] for each in content]
        records = [record for part in parts for record in part]
        if any(map(_has_images, records)):
            return records
    keys = f" of {', '.join(map(as_text, content))[:100]}" if isinstance(content, dict) else ""
    raise ArchiveError(
        f"{place}: expected a list, dictionary or frame of records with science, difference and label, or of "
        f"images and labels, found {type(content).__name__}{keys}. {remedy}"
    )


def _is_columns(record: dict[Any, Any]) -> bool:
    label = _first_of(record, LABELS)
    return isinstance(label, list | tuple) or (isinstance(label, np.ndarray) and label.ndim > 0)


def _of_columns(content: dict[Any, Any], place: str) -> list[dict[Any, Any]]:
    """Records of columns; `images` may itself be columns by channel."""
    both = _first_of(content, BOTH_IMAGES)
    if isinstance(both, dict):
        content = {name: cells for name, cells in content.items() if name not in BOTH_IMAGES} | both
    known = (*LABELS, *IDENTIFIERS, *BOTH_IMAGES)
    columns = {name: _column(cells) for name, cells in content.items() if _channel(name) or name in known}
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ArchiveError(f"{place}: expected columns of one length, found {lengths}. Complete the columns.")
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _column(cells: Any) -> list[Any]:
    if isinstance(cells, np.ndarray):
        cells = cells.reshape(-1, *cells.shape[1:])  # of no dimension: one cell
    return list(cells) if isinstance(cells, list | tuple | np.ndarray | pd.Series | pd.Index) else [cells]


def _images(record: dict[Any, Any], place: str) -> dict[str, Any]:
    """The images that a record has, by channel in the order of `CHANNELS`: arrays or FITS bytes.

    An HDU is taken apart here, so that the process that decodes it is given no more than its pixels.
    """
    both = _first_of(record, BOTH_IMAGES)
    found = {} if both is None else _by_channel(both, place)
    for name, cell in record.items():
        if _channel(name) and cell is not None:
            images = _parts(cell, place) if isinstance(cell, ImageHDU | HDUList | tuple) else [("", cell)]
            if len(images) != 1:
                raise ArchiveError(f"{place}, {name}: expected one image, found {len(images)}.")
            found[_channel(name)] = images[0][1]
    return {name: found[name] for name in CHANNELS if name in found}


def _by_channel(cell: Any, place: str) -> dict[str, Any]:
    """Images of one cell by channel."""
    if isinstance(cell, dict):
        return _images(cell, place)
    images = _parts(cell, place)
    if len(images) == 1:
        images = _planes(images[0][1], place)
    names, cells = [name for name, _ in images], [image for _, image in images]
    three = len(cells) == len(CHANNELS)
    if three and not all(map(_channel, names)):
        raise ArchiveError(
            f"{place}: expected science and difference, found three images without names, of which any may "
            "be the template."
        )
    return named(cells, CHANNELS if three else STORED, place=place, extensions=names)


def _parts(cell: Any, place: str) -> Images:
    """The images that a cell is made of, with their names."""
    parts = list(cell) if isinstance(cell, list | tuple) and not isinstance(cell, HDUList) else [cell]
    found: Images = []
    for part in parts:
        if isinstance(part, ImageHDU | HDUList):
            found += images_in(part, place=place)
        elif isinstance(
            part, tuple
        ):  # an image with its header, as astropy's `getdata(header=True)` gives it
            found += _parts(part, place)
        elif not isinstance(part, Header):
            found.append(("", part))
    return found


def _planes(cell: Any, place: str) -> Images:
    """The images of one array or FITS file."""
    if isinstance(cell, str):  # bytes of Python 2, unpickled as Latin-1
        cell = cell.encode("latin-1", "replace")
    if isinstance(cell, bytes):
        planes, names = read_planes(cell, place=place)
        return list(zip(names or [""] * len(planes), planes, strict=True))
    if isinstance(cell, np.ndarray) and cell.ndim == 3:
        return [("", plane) for plane in (cell if len(cell) <= len(CHANNELS) else np.moveaxis(cell, -1, 0))]
    return [("", cell)]
