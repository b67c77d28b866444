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
from stampshift.formats.tables import open_table, read_rows, source_files
from stampshift.stamps.file import UNLABELLED_CLASS
from stampshift.stamps.metadata import NO_METADATA, TEXTS, Metadata, metadata_of
from stampshift.stamps.raw_triplets import Image, InvalidPixels, RawTriplet
from stampshift.surveys.label_table import class_of, without
from stampshift.surveys.reader import Reader, masked_triplet, named, stored_channels

FILE = re.compile(r".*\.(h5|hdf5|npz|parquet)", re.IGNORECASE)
CELLS = ("id", "group", "label")  # options that name columns without pixels
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
    metadata: list[Metadata]
    pixels: Mapping[str, Any] | None


def build(options: Mapping[str, Any], invalid: InvalidPixels) -> Reader:
    """Reader of tables; the configuration says what each option means."""
    return Reader(
        partial(content_files, options=options),
        partial(_units, options=options),
        partial(_decode, options=options, invalid=invalid),
        classes=partial(_classes, options=options),
        label_file=_label_file(options),
    )


def _label_file(options: Mapping[str, Any]) -> Path | None:
    return Path(options["labels"]) if options.get("labels") else None


def content_files(paths: Sequence[Path], *, options: Mapping[str, Any]) -> list[Path]:
    """Tables and, behind each, other files with its content: sources of virtual data sets, FITS files."""
    found: dict[Path, None] = {}
    for path in _tables(paths, options):
        found |= dict.fromkeys([path, *_sources(path, options), *_named_files(path, _pixel_names(options))])
    return list(found)


def _tables(paths: Sequence[Path], options: Mapping[str, Any]) -> list[Path]:
    """Tables of the archive; of a folder, not those that are sources of others."""
    found = without(_label_file(options), find(paths, FILE, archive="table", remedy=REMEDY))
    if not found:
        raise ArchiveError(f"table archive: expected a table in {listing(paths)}, found none. {REMEDY}")
    sources = {source.resolve() for path in found for source in _sources(path, options)}
    return [path for path in found if path in paths or path.resolve() not in sources]


def _sources(path: Path, options: Mapping[str, Any]) -> list[Path]:
    names = [*_pixel_names(options), *(options[name] for name in CELLS if options.get(name))]
    names += options.get("metadata", {}).values()
    return source_files(path, names)


def _named_files(path: Path, columns: Sequence[str]) -> Iterator[Path]:
    """FITS files that the cells of a table name, as far as they are there."""
    for column in columns:
        table = open_table(path, pixels=[column], others=[])
        for start, block in table.blocks(UNIT_ROWS):
            cells = (block or read_rows(path, [column], start, UNIT_ROWS))[column]
            files = [path.parent / name for cell in cells if (name := _file_name(cell))]
            yield from filter(Path.is_file, files)
            if not files:
                break  # a column of pixels


def _classes(paths: Sequence[Path], *, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "label" not in options:
        return
    label = options["label"]
    for path in _tables(paths, options):
        table = open_table(path, pixels=(), others=[label])
        for row, name in enumerate(_labels(table.others[label], options)):
            yield name, f"{path}, row {row}, '{label}'"


def _labels(cells: Sequence[Any], options: Mapping[str, Any]) -> list[str]:
    unlabelled = {"", as_text(options.get("unlabelled"))}
    return [UNLABELLED_CLASS if label in unlabelled else label for label in map(as_text, cells)]


def _pixel_names(options: Mapping[str, Any]) -> list[str]:
    stamps = options["stamps"]
    names = [stamps] if isinstance(stamps, str) else list(stamps.values())
    return [*names, options["mask"]] if options.get("mask") else names


def _units(paths: Sequence[Path], *, options: Mapping[str, Any]) -> Iterator[Rows]:
    label_file = _label_file(options)
    pixels = _pixel_names(options)
    known = {name: options[name] for name in CELLS if options.get(name)}
    said: Mapping[str, str] = options.get("metadata", {})
    seen: set[str] = set()
    for path in _tables(paths, options):
        table = open_table(path, pixels=pixels, others=[*known.values(), *said.values()])
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
            classes = _labels(columns["label"], options)
        else:
            classes = [class_of(identifier, label_file) for identifier in ids]
        metadata = _metadata({name: table.others[column] for name, column in said.items()}, table.rows)
        step = max(1, min(UNIT_ROWS, UNIT_BYTES // max(1, table.row_bytes)))
        for start, block in table.blocks(step):
            rows = slice(start, start + step)
            yield Rows(path, start, ids[rows], groups[rows], classes[rows], metadata[rows], block)


def _metadata(columns: Mapping[str, Sequence[Any]], rows: int) -> list[Metadata]:
    if not columns:
        return [NO_METADATA] * rows
    read = {name: [*map(as_text, cells)] if name in TEXTS else cells for name, cells in columns.items()}
    return [metadata_of(dict(zip(read, cells, strict=True))) for cells in zip(*read.values(), strict=True)]


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
        triplet = masked_triplet(images, masks, invalid=invalid, place=place)
        yield RawTriplet(triplet, name, identifier, group, unit.metadata[row])


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


def _is_fits(cell: bytes) -> bool:
    return cell.startswith((GZIP_MAGIC, b"SIMPLE")) or not cell.isascii()


def _file_name(cell: Any) -> str:
    """Name of the FITS file that a cell holds; ``""`` if it holds none."""
    if isinstance(cell, bytes):
        cell = "" if _is_fits(cell) else os.fsdecode(cell)
    return cell if isinstance(cell, str) and "\0" not in cell else ""


def _fits(cell: Any, path: Path, place: str) -> bytes:
    """FITS bytes of a cell, or of the file that it names, relative to the table."""
    if isinstance(cell, bytes) and _is_fits(cell):
        return cell
    name = _file_name(cell)
    if not name:
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
