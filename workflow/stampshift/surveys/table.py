"""Any survey by tables: arrays in HDF5 or npz, or Parquet with FITS stamps or the names of such files.

The options are those of `surveys.<name>.table` in the config. They name the data sets (HDF5), arrays (npz) or
columns (Parquet); several files of one kind are parts of one survey. Pixels are read some rows at a time,
whatever the size of a file; identifiers, labels and groups are held in memory.
"""

import errno
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError, system_fault, unreadable_now
from stampshift.formats.archives import find, listing
from stampshift.formats.cells import as_text, decoded_name
from stampshift.formats.fits import as_float32, read_image, read_planes
from stampshift.formats.inflating import GZIP_MAGIC, read_file
from stampshift.formats.tables import open_table, read_rows
from stampshift.stamps.file import UNLABELLED_CLASS
from stampshift.stamps.raw_triplets import Image, InvalidPixels, RawTriplet
from stampshift.surveys.label_table import class_of, without
from stampshift.surveys.reader import Reader, masked_triplet, named, stored_channels

FILE = re.compile(r".*\.(h5|hdf5|npz|parquet)", re.IGNORECASE)
UNIT_BYTES = 4 << 20
UNIT_ROWS = 256
REMEDY = "Put *.h5, *.hdf5, *.npz or *.parquet there, or give its path in the config."


class Rows(NamedTuple):
    """Rows of a table: what is known of them, and their pixels by name, None if these are yet to be read."""

    path: Path
    start: int
    ids: list[str]
    groups: list[str]
    classes: list[str]
    pixels: Mapping[str, Any] | None


def build(options: Mapping[str, Any], invalid: InvalidPixels) -> Reader:
    """Reader of tables; the configuration says what each option means."""
    label_file = Path(options["labels"]) if options.get("labels") else None
    return Reader(
        partial(_files, label_file=label_file),
        partial(_units, options=options, label_file=label_file),
        partial(_decode, options=options, invalid=invalid),
        label_file=label_file,
    )


def _files(paths: Sequence[Path], *, label_file: Path | None) -> list[Path]:
    found = without(label_file, find(paths, FILE, archive="table", remedy=REMEDY))
    if not found:
        raise ArchiveError(f"table archive: expected a table in {listing(paths)}, found none. {REMEDY}")
    return found


def _pixel_names(options: Mapping[str, Any]) -> list[str]:
    stamps = options["stamps"]
    names = [stamps] if isinstance(stamps, str) else list(stamps.values())
    return [*names, options["mask"]] if options.get("mask") else names


def _units(paths: Sequence[Path], *, options: Mapping[str, Any], label_file: Path | None) -> Iterator[Rows]:
    pixels = _pixel_names(options)
    known = {name: options[name] for name in ("id", "group", "label") if options.get(name)}
    seen: set[str] = set()
    for path in _files(paths, label_file=label_file):
        table = open_table(path, pixels=pixels, others=list(known.values()))
        columns = {name: list(map(as_text, table.others[column])) for name, column in known.items()}
        known_ids = columns.get("id", [""] * table.rows)
        ids = [identifier or f"{decoded_name(path.stem)}:{row}" for row, identifier in enumerate(known_ids)]
        nameless = known_ids.count("") if "id" in columns else 0
        if nameless:
            logging.warning("%s: %d rows have no id and are called by file and row", path, nameless)
        for row, identifier in enumerate(ids):
            if identifier in seen:
                raise ArchiveError(
                    f"{path}, row {row}: expected each id once, found {identifier} again. Remove one of its "
                    "rows, or name another column as `id`."
                )
            seen.add(identifier)
        groups = columns.get("group", [""] * table.rows)
        if "label" in columns:
            unlabelled = {"", as_text(options.get("unlabelled"))}
            classes = [UNLABELLED_CLASS if label in unlabelled else label for label in columns["label"]]
        else:
            classes = [class_of(identifier, label_file) for identifier in ids]
        step = max(1, min(UNIT_ROWS, UNIT_BYTES // max(1, table.row_bytes)))
        for start, block in table.blocks(step):
            rows = slice(start, start + step)
            yield Rows(path, start, ids[rows], groups[rows], classes[rows], block)


def _decode(unit: Rows, *, options: Mapping[str, Any], invalid: InvalidPixels) -> Iterator[RawTriplet]:
    stamps, channels = options["stamps"], stored_channels(options)
    pixels = unit.pixels or read_rows(unit.path, _pixel_names(options), unit.start, len(unit.ids))
    for row, (identifier, group, name) in enumerate(zip(unit.ids, unit.groups, unit.classes, strict=True)):
        place = f"{unit.path}, row {unit.start + row}"
        if isinstance(stamps, str):
            planes, extensions = _planes(pixels[stamps][row], options, unit.path, place)
            declared = "channels" in options
            images = named(planes, channels, place=place, extensions=extensions, declared=declared)
        else:
            images = {
                channel: _image(pixels[column][row], unit.path, f"{place}, {column}")
                for channel, column in stamps.items()
            }
        mask = options.get("mask")
        masks = _planes(pixels[mask][row], options, unit.path, f"{place}, mask")[0] if mask else []
        yield RawTriplet(masked_triplet(images, masks, invalid=invalid, place=place), name, identifier, group)


def _planes(cell: Any, options: Mapping[str, Any], path: Path, place: str) -> tuple[list[Image], list[str]]:
    """Images of a cell that holds one, or all channels, and the names of FITS extensions.

    The cell is an array, FITS bytes or the name of a FITS file.
    """
    if not isinstance(cell, np.ndarray):
        return read_planes(_fits(cell, path, place), place=place)
    if cell.ndim == 2:
        return [_pixels(cell, place)], []
    if cell.ndim != 3 or "axes" not in options:
        raise ArchiveError(
            f"{place}: expected an array (3, rows, columns) or (rows, columns, 3), and `axes` in the config "
            f"to say which, found shape {cell.shape}. Name the right array in `stamps`, or set `axes`."
        )
    ordered = np.moveaxis(cell, -1, 0) if options["axes"] == "channels_last" else cell
    return [_pixels(plane, place) for plane in ordered], []


def _pixels(cell: NDArray[Any], place: str) -> Image:
    if cell.dtype.kind not in "fiub":
        raise ArchiveError(f"{place}: expected real numbers, found {cell.dtype}. Name the right array.")
    return as_float32(cell)


def _image(cell: Any, path: Path, place: str) -> Image:
    if not isinstance(cell, np.ndarray):
        return read_image(_fits(cell, path, place), place=place)
    if cell.ndim != 2:
        raise ArchiveError(
            f"{place}: expected an image (rows, columns), found shape {cell.shape}. Name one array for each "
            "channel in `stamps`, or one for all of them."
        )
    return _pixels(cell, place)


def _fits(cell: Any, path: Path, place: str) -> bytes:
    """FITS bytes of a cell, or of the file that it names, relative to the table."""
    if isinstance(cell, bytes) and (cell.startswith((GZIP_MAGIC, b"SIMPLE")) or not cell.isascii()):
        return cell
    name = os.fsdecode(cell) if isinstance(cell, bytes) else cell
    if not isinstance(name, str) or not name or "\0" in name:
        raise ArchiveError(
            f"{place}: expected FITS bytes or the name of a FITS file, found {type(cell).__name__}. Complete "
            "or remove the row."
        )
    try:
        if not (path.parent / name).is_file():  # a device would never end
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return read_file(path.parent / name)
    except OSError as error:
        if system_fault(error) and not isinstance(error, FileNotFoundError):
            raise ArchiveError(f"{place}: {unreadable_now(path.parent / name, error)}") from error
        raise ArchiveError(
            f"{place}: expected the FITS file {path.parent / name}, found none ({error.strerror}). Complete "
            "or remove the row."
        ) from error
