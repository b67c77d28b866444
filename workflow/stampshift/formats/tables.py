"""Tables of arrays and cells in HDF5, npz and Parquet, their pixels some rows at a time."""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib import format as npy
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError

TYPICAL_CELL_BYTES = 20_000  # of FITS in Parquet
READ_BYTES = 1 << 20
# what the three formats' readers raise of a damaged file
DAMAGED = (
    *(OSError, KeyError, ValueError, RuntimeError, EOFError, TokenError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, pa.ArrowException),
)

Block = tuple[int, Mapping[str, Any] | None]


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

    The suffix gives the format: ``*.h5``, ``*.hdf5``, ``*.npz`` or ``*.parquet``. Raises ArchiveError if the
    file cannot be read, lacks a name, or has columns of different lengths.
    """
    opener = {".npz": _open_npz, ".parquet": _open_parquet}.get(path.suffix, _open_hdf5)
    try:
        return opener(path, pixels, others)
    except DAMAGED as error:
        raise ArchiveError(
            f"{path}: expected a complete table, found it cut short, corrupt or of another content "
            f"({error}). Copy it again, or correct the names in the config."
        ) from error


def read_rows(path: Path, pixels: Sequence[str], start: int, count: int) -> dict[str, NDArray[Any]]:
    """Pixels of some rows of an HDF5 table, by name."""
    with h5py.File(path) as file:
        return {name: file[name][start : start + count] for name in pixels}


def names(path: Path) -> dict[str, str]:
    """What a table holds: type and shape by name; ArchiveError if the file cannot be read."""
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                headers = {name: _header(archive, name) for name in archive.namelist()}
                return {name.removesuffix(".npy"): _described(*header) for name, header in headers.items()}
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as table:
                rows = table.metadata.num_rows
                return {field.name: f"{field.type}, {rows} rows" for field in table.schema_arrow}
        items: dict[str, Any] = {}
        with h5py.File(path) as file:
            file.visititems(items.__setitem__)
            arrays = {name: item for name, item in items.items() if isinstance(item, h5py.Dataset)}
            return {name: _described(array.shape, array.dtype) for name, array in arrays.items()}
    except DAMAGED as error:
        raise ArchiveError(
            f"{path}: expected a complete table, found it cut short or corrupt ({error})."
        ) from error


def _described(shape: tuple[int, ...], dtype: Any) -> str:
    return f"{dtype}, {' x '.join(map(str, shape)) or 'a scalar'}"


def _check_names(path: Path, wanted: Sequence[str], found: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ArchiveError(
            f"{path}: expected {', '.join(wanted)}, found no '{missing[0]}' among "
            f"{', '.join(found) or 'nothing'}. Correct the names in the survey's `table`."
        )


def _rows(path: Path, lengths: Mapping[str, int]) -> int:
    if len(set(lengths.values())) != 1:
        raise ArchiveError(
            f"{path}: expected columns of one length, found {dict(lengths)}. Complete the columns."
        )
    return next(iter(lengths.values()))


def _open_hdf5(path: Path, pixels: Sequence[str], others: Sequence[str]) -> Table:
    with h5py.File(path) as file:
        _check_names(path, [*pixels, *others], list(names(path)))
        rows = _rows(path, {name: len(file[name]) for name in [*pixels, *others]})
        size = sum(file[name].dtype.itemsize * int(np.prod(file[name].shape[1:])) for name in pixels)
        cells = {name: file[name][:].tolist() for name in others}
    return Table(rows, size, cells, lambda step: ((start, None) for start in range(0, rows, step)))


def _header(file: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with file.open(name) as stream:
        shape, _, dtype = _npy_header(stream)
        return shape, dtype


def _npy_header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and type of an array."""
    version = npy.read_magic(stream)
    return (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(stream)


def _open_npz(path: Path, pixels: Sequence[str], others: Sequence[str]) -> Table:
    # numpy leaves a file open that it cannot read
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        _check_names(path, [*pixels, *others], file.files)
        cells = {name: file[name].tolist() for name in others}
    with zipfile.ZipFile(path) as archive:
        headers = {name: _header(archive, f"{name}.npy") for name in pixels}
    lengths = {name: shape[0] for name, (shape, _) in headers.items()}
    rows = _rows(path, lengths | {name: len(values) for name, values in cells.items()})
    size = sum(dtype.itemsize * int(np.prod(shape[1:])) for shape, dtype in headers.values())

    def blocks(step: int) -> Iterator[Block]:
        arrays = {name: _npz_rows(path, name, step) for name in pixels}
        for start in range(0, rows, step):
            yield start, {name: next(array) for name, array in arrays.items()}

    return Table(rows, size, cells, blocks)


def _npz_rows(path: Path, name: str, step: int) -> Iterator[NDArray[Any]]:
    """An array of an npz in blocks of `step` rows, never held as a whole."""
    with zipfile.ZipFile(path) as file, file.open(f"{name}.npy") as stream:
        shape, fortran, dtype = _npy_header(stream)
        if fortran or dtype.hasobject:
            raise ArchiveError(
                f"{path}: expected '{name}' as numbers in C order, found {dtype}"
                f"{' in Fortran order' if fortran else ''}. Save it again as np.ascontiguousarray(...)."
            )
        for start in range(0, shape[0], step):
            block = (min(step, shape[0] - start), *shape[1:])
            content = stream.read(int(np.prod(block)) * dtype.itemsize)
            yield np.frombuffer(content, dtype).reshape(block)


def _open_parquet(path: Path, pixels: Sequence[str], others: Sequence[str]) -> Table:
    with pq.ParquetFile(path) as table:
        _check_names(path, [*pixels, *others], table.schema_arrow.names)
        cells = {name: table.read([name])[name].to_pylist() for name in others}
        rows = table.metadata.num_rows

    def blocks(step: int) -> Iterator[Block]:
        start = 0
        # buffered, a column chunk is not read as a whole
        with pq.ParquetFile(path, buffer_size=READ_BYTES) as table:
            for batch in table.iter_batches(batch_size=step, columns=list(pixels)):
                yield start, {name: batch[name].to_pylist() for name in pixels}
                start += batch.num_rows

    return Table(rows, TYPICAL_CELL_BYTES * len(pixels), cells, blocks)
