"""Tables of arrays and cells in HDF5, npz and Parquet, their pixels some rows at a time.

Columns without pixels are read whole, within the bounds of `inflating.most_bytes` and `cells`.
"""

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib import format as npy
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError, system_fault, unreadable_now
from stampshift.formats import hdf5
from stampshift.formats.cells import Column, exact_bits, read_cells
from stampshift.formats.hdf5 import described, find_dataset, shape_text
from stampshift.formats.inflating import check_size

ROW_BYTES = 16  # the least that a row takes in memory
BLOCK_ROWS = 256  # of cells whose length is not known before they are read
TYPICAL_CELL_BYTES = 20_000  # of FITS in Parquet
READ_BYTES = 1 << 20
HEAD_BYTES = 1 << 14  # the longest header of an array in npz
# what the three formats' readers raise of a damaged file
DAMAGED = (
    *(OSError, KeyError, ValueError, TypeError, RuntimeError, EOFError, OverflowError, MemoryError),
    *(TokenError, SyntaxError, struct.error, zipfile.BadZipFile, zlib.error, pa.ArrowException),
)

Block = tuple[int, Mapping[str, Any] | None]
Shape = tuple[int, ...]


class Table(NamedTuple):
    """A table: its number of rows, the cells of small columns, and its pixels in blocks."""

    rows: int
    row_bytes: int  # of the pixels of a row, about
    others: Mapping[str, Sequence[Any]]  # cells of the columns that hold no pixels, by name
    # called with a number of rows: the first row of each block, and its pixels by name; None in place of
    # pixels that `read_rows` reads where they are needed
    blocks: Callable[[int], Iterator[Block]]


def open_table(path: Path, *, pixels: Sequence[str], others: Sequence[str]) -> Table:
    """Open a table of the names `pixels` (pixels or FITS, read in blocks) and `others` (read as a whole).

    The suffix gives the format: ``*.h5``, ``*.hdf5``, ``*.npz`` or ``*.parquet``, in any case. Raises
    ArchiveError if the file cannot be read, lacks a name, has columns of different lengths, or one with cells
    that are no identifiers or classes.
    """
    opener = NOT_HDF5.get(path.suffix.lower(), _open_hdf5)
    with _reading(path):
        return opener(path, pixels, others)


def read_rows(path: Path, pixels: Sequence[str], start: int, count: int) -> dict[str, NDArray[Any]]:
    """Pixels of some rows of an HDF5 table, by name."""
    with _reading(path), h5py.File(path) as file:
        return {name: file[name][start : start + count] for name in pixels}


def source_files(path: Path, names: Sequence[str]) -> list[Path]:
    """Other files with content of some columns: sources of virtual data sets in HDF5."""
    if path.suffix.lower() in NOT_HDF5:
        return []
    with _reading(path):
        return list(hdf5.source_files(path, names))


def names(path: Path) -> dict[str, str]:
    """What a table holds: type and shape by name; ArchiveError if the file cannot be read."""
    with _reading(path):
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                headers = {name.removesuffix(".npy"): _header(archive, name) for name in archive.namelist()}
                return {name: shape_text(shape, dtype) for name, (shape, _, dtype, _) in headers.items()}
        if path.suffix.lower() == ".parquet":
            with pq.ParquetFile(path, page_checksum_verification=True) as table:
                rows = table.metadata.num_rows
                return {field.name: f"{field.type}, {rows} rows" for field in table.schema_arrow}
        with h5py.File(path) as file:
            return described(file)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what the formats' readers raise into an `ArchiveError` that says what was found."""
    try:
        yield
    except DAMAGED as error:
        if system_fault(error):
            raise ArchiveError(unreadable_now(path, error)) from error
        if "already open for write" in str(error):
            raise ArchiveError(
                f"{path}: a writer has it open, or was stopped before it closed it ({error}). Wait for it to "
                "end; `h5clear -s` removes the mark of one that was stopped."
            ) from error
        if isinstance(error, NotImplementedError) or "is encrypted" in str(error):
            raise ArchiveError(
                f"{path}: found something that cannot be read here ({error}). Write the file again without "
                "it; if it should have no such thing, copy it again."
            ) from error
        raise ArchiveError(
            f"{path}: expected a complete table, found it cut short or corrupt, or of another content "
            f"({error}). Copy it again, or correct the names in the config."
        ) from error


def _check_names(path: Path, wanted: Sequence[str], found: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ArchiveError(
            f"{path}: expected {', '.join(wanted)}, found no '{missing[0]}' among "
            f"{', '.join(found) or 'nothing'}. Correct the names in the survey's `table`."
        )
    twice = [name for name in wanted if found.count(name) > 1]
    if twice:
        raise ArchiveError(f"{path}: expected one column '{twice[0]}', found several. Rename the others.")


def _check_columns(path: Path, shapes: Mapping[str, Shape], *, pixels: Sequence[str]) -> int:
    """Number of rows; an `ArchiveError` unless all columns have as many."""
    for name, shape in shapes.items():
        if not shape or min(shape) < 0 or (name not in pixels and len(shape) != 1):
            wanted = "rows of pixels" if name in pixels else "one cell for each row"
            found = " x ".join(map(str, shape)) or "a scalar"
            raise ArchiveError(f"{path}: expected {wanted} in '{name}', found {found}. Correct the name.")
    lengths = {name: shape[0] for name, shape in shapes.items()}
    if len(set(lengths.values())) != 1:
        raise ArchiveError(f"{path}: expected columns of one length, found {lengths}. Complete the columns.")
    rows = next(iter(lengths.values()))
    check_size(ROW_BYTES * rows, f"{path}: what is known of its {rows} rows")
    return rows


def _row_bytes(path: Path, shapes: Mapping[str, Shape], dtypes: Mapping[str, Any]) -> int:
    size = sum(dtypes[name].itemsize * math.prod(shape[1:]) for name, shape in shapes.items())
    check_size(size, f"{path}: a row of its pixels")
    return size


def _open_hdf5(path: Path, pixels: Sequence[str], others: Sequence[str]) -> Table:
    with h5py.File(path) as file:
        wanted = [*pixels, *others]
        found = {name: find_dataset(file, name, path=path) for name in wanted}
        sets = {name: dataset for name, dataset in found.items() if dataset is not None}
        listed = [name for name in described(file) if found.get(name, file) is not None]
        _check_names(path, wanted, [*listed, *(name for name in sets if name not in listed)])
        # one without any content has no shape
        shapes = {name: tuple(dataset.shape or ()) for name, dataset in sets.items()}
        rows = _check_columns(path, shapes, pixels=pixels)
        dtypes = {name: dataset.dtype for name, dataset in sets.items()}
        size = _row_bytes(path, {name: shapes[name] for name in pixels}, dtypes)
        cells = {}
        for name in others:
            check_size(rows * dtypes[name].itemsize, f"{path}: the column '{name}'")
            blocks = (sets[name][start : start + BLOCK_ROWS].tolist() for start in range(0, rows, BLOCK_ROWS))
            cells[name] = read_cells(path, name, Column(blocks, exact_bits(dtypes[name])))
    return Table(rows, size, cells, lambda step: ((start, None) for start in range(0, rows, step)))


def _header(file: zipfile.ZipFile, name: str) -> tuple[Shape, bool, np.dtype[Any], int]:
    """Shape, whether in Fortran order, type of an array, and the length of its header."""
    with file.open(name) as stream:
        head = io.BytesIO(stream.read(HEAD_BYTES))
    version = npy.read_magic(head)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(head)
    return shape, fortran, dtype, head.tell()


def _open_npz(path: Path, pixels: Sequence[str], others: Sequence[str]) -> Table:
    with zipfile.ZipFile(path) as archive:
        wanted = [*pixels, *others]
        _check_names(path, wanted, [name.removesuffix(".npy") for name in archive.namelist()])
        headers = {name: _header(archive, f"{name}.npy") for name in wanted}
    for name, (_, fortran, dtype, _) in headers.items():
        if dtype.hasobject:
            raise ArchiveError(
                f"{path}: expected '{name}' as numbers or text, found Python objects ({dtype}), which are "
                "pickled and refused because they could run code. Save it again, for example with "
                ".astype(str)."
            )
        if fortran and name in pixels:
            raise ArchiveError(
                f"{path}: expected '{name}' as numbers in C order, found {dtype} in Fortran order. Save it "
                "again as np.ascontiguousarray(...)."
            )
    shapes = {name: shape for name, (shape, *_) in headers.items()}
    dtypes = {name: dtype for name, (_, _, dtype, _) in headers.items()}
    rows = _check_columns(path, shapes, pixels=pixels)
    size = _row_bytes(path, {name: shapes[name] for name in pixels}, dtypes)
    cells = {}
    for name in others:
        check_size(rows * dtypes[name].itemsize, f"{path}: the column '{name}'")
        column = Column((block.tolist() for block in _npz_rows(path, name, BLOCK_ROWS)), 0)
        cells[name] = read_cells(path, name, column._replace(exact_bits=exact_bits(dtypes[name])))

    def blocks(step: int) -> Iterator[Block]:
        arrays = {name: _npz_rows(path, name, step) for name in pixels}
        with _reading(path):
            for start in range(0, rows, step):
                yield start, {name: next(array) for name, array in arrays.items()}

    return Table(rows, size, cells, blocks)


def _npz_rows(path: Path, name: str, step: int) -> Iterator[NDArray[Any]]:
    """An array of an npz in blocks of `step` rows, never held as a whole."""
    with zipfile.ZipFile(path) as file:
        shape, _, dtype, head_bytes = _header(file, f"{name}.npy")
        with file.open(f"{name}.npy") as stream:
            stream.read(head_bytes)
            for start in range(0, shape[0], step):
                block = (min(step, shape[0] - start), *shape[1:])
                content = stream.read(math.prod(block) * dtype.itemsize)
                yield np.frombuffer(content, dtype).reshape(block)


def _check_rows(found: int, said: int) -> None:
    if found != said:
        raise ValueError(f"it says that it has {said} rows, and a column holds {found}")


def _open_parquet(path: Path, pixels: Sequence[str], others: Sequence[str]) -> Table:
    with pq.ParquetFile(path, buffer_size=READ_BYTES, page_checksum_verification=True) as table:
        schema, metadata = table.schema_arrow, table.metadata
        _check_names(path, [*pixels, *others], schema.names)
        rows = _check_columns(path, dict.fromkeys(schema.names, (metadata.num_rows,)), pixels=())
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        stored = dict.fromkeys([*pixels, *others], 0)
        for chunk in (group.column(number) for group in groups for number in range(group.num_columns)):
            name = chunk.path_in_schema.partition(".")[0]
            if name in stored:
                stored[name] += chunk.total_uncompressed_size
        for name in others:
            check_size(stored[name], f"{path}: the column '{name}'")
        size = max(TYPICAL_CELL_BYTES * len(pixels), sum(stored[name] for name in pixels) // max(1, rows))
        check_size(size, f"{path}: a row of its pixels")
        cells = {}
        for name in others:
            kind = schema.field(name).type
            exact = kind.to_pandas_dtype() if pa.types.is_floating(kind) else np.int64
            batches = table.iter_batches(batch_size=BLOCK_ROWS, columns=[name])
            column = Column((batch[0].to_pylist() for batch in batches), exact_bits(np.dtype(exact)))
            cells[name] = read_cells(path, name, column)
            _check_rows(len(cells[name]), rows)

    def blocks(step: int) -> Iterator[Block]:
        start = 0
        # buffered, a column chunk is not read as a whole
        with (
            _reading(path),
            pq.ParquetFile(path, buffer_size=READ_BYTES, page_checksum_verification=True) as table,
        ):
            for batch in table.iter_batches(batch_size=step, columns=list(pixels)):
                _check_rows(min(start + batch.num_rows, rows), start + batch.num_rows)
                yield start, {name: batch[name].to_pylist() for name in pixels}
                start += batch.num_rows
            _check_rows(start, rows)

    return Table(rows, size, cells, blocks)


NOT_HDF5 = {".npz": _open_npz, ".parquet": _open_parquet}  # by the suffix of a table
