"""The scores file while it grows: parts beside it that a second call goes on from, then the whole."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from stampshift.core.files import atomic_path
from stampshift.scoring.scores_file import SCHEMA

PART_LINES = 20_000
WRITERS = {".parquet": pq.ParquetWriter, ".csv": pc.CSVWriter}


class Parts:
    """Parts of one scores file; each holds whole units of work and is named by how many are done with it.

    Parameters
    ----------
    output
        The scores file, ``.parquet`` or ``.csv``.
    key
        Digest of all that decides its lines: parts of another key are not gone on from.
    """

    def __init__(self, output: Path, *, key: str) -> None:
        self._output = output
        self._folder = output.with_name(f".{output.name}.{key[:16]}.parts")
        self._waiting: tuple[list[pa.Table], int] = [], 0

    @property
    def units(self) -> int:
        """Units of work that are in the parts."""
        return max((int(path.stem) for path in self._paths()), default=0)

    def tables(self) -> Iterator[pa.Table]:
        """The parts, in order."""
        yield from map(pq.read_table, self._paths())

    def add(self, table: pa.Table, *, units: int) -> None:
        """Take the lines of another unit, with which there are so many units."""
        # one assignment: an interrupt never parts the lines from their number
        self._waiting = [*self._waiting[0], table], units
        if sum(map(len, self._waiting[0])) >= PART_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what has come since the last part."""
        tables, units = self._waiting
        if tables:
            self._folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(self._folder / f"{units:09}.parquet") as temporary:
                pq.write_table(pa.concat_tables(tables), temporary)
            self._waiting = [], units

    def join(self) -> None:
        """Write the scores file from the parts, which are then removed."""
        with (
            atomic_path(self._output) as temporary,
            temporary.open("wb") as stream,
            WRITERS[self._output.suffix](stream, SCHEMA) as writer,
        ):
            for table in self.tables():
                writer.write_table(table)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.parquet"))
