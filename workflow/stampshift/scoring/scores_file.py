"""The scores file: a line per candidate of a night, Parquet or CSV; it grows in parts that survive a stop.

`SCHEMA` says what `stampshift score` writes. Flags are text, names joined by `SEPARATOR`, empty where there
is none. A drift report needs `COLUMNS` alone.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from pandas.api.types import is_numeric_dtype

from stampshift.core.errors import ContractError
from stampshift.core.files import atomic_path

COLUMNS = ("id", "survey", "score", "similarity", "flags")
SEPARATOR = ";"
NUMBERS = ("score", "similarity", "distance", "survey_score")
NO_VALID_PIXEL = "no valid pixel"
UNFIT = {"non_square": "not square", "ragged": "sizes differ", "too_small": "too small"}
PART_LINES = 20_000
WRITERS = {".parquet": pq.ParquetWriter, ".csv": pc.CSVWriter}

SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # of the candidate, as its survey has it
        ("object", pa.string()),  # of the astronomical object, empty where there is none
        ("survey", pa.string()),
        ("score", pa.float32()),  # calibrated P(real), missing where there can be none
        ("real", pa.bool_()),  # whether the score is at least the threshold, missing like it or without one
        ("similarity", pa.float32()),
        ("distance", pa.float32()),
        ("survey_score", pa.float32()),  # the survey's own, missing where it has none
        ("flags", pa.string()),
        ("reason", pa.string()),  # a sentence where there is no score
        ("place", pa.string()),  # file, and record or row
    ]
)


def read_scores(path: Path) -> pd.DataFrame:
    """Read a scores file, Parquet or CSV.

    Raises
    ------
    ContractError
        If it cannot be read, misses a column, has no line, or text where numbers belong.
    """
    try:
        if path.suffix == ".csv":
            text = dict.fromkeys(("id", "survey", "flags"), str)
            table = pd.read_csv(
                path, dtype=text, keep_default_na=False, na_values={name: [""] for name in NUMBERS}
            )
        else:
            table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise ContractError(
            f"{path}: not a readable scores file ({error}); `stampshift score` makes one."
        ) from error
    if table.empty or not set(COLUMNS) <= set(table):
        raise ContractError(
            f"{path}: expected a table of scores with the columns {', '.join(COLUMNS)}, found "
            f"{', '.join(map(str, table.columns))} and {len(table)} lines; `stampshift score` makes one."
        )
    wrong = [name for name in NUMBERS if name in table and not is_numeric_dtype(table[name])]
    if wrong:
        raise ContractError(
            f"{path}: expected numbers as {' and '.join(wrong)}, found other values; `stampshift score` "
            "makes a scores file."
        )
    return table


class Parts:
    """Parts of a growing scores file; each holds whole units of work, and its name says how many are done.

    The key is a digest of all that decides the lines: a second call continues only from parts of its key.
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
        """Take the lines of another unit, and the number of units with it."""
        # one assignment: an interrupt never separates the lines from their number
        self._waiting = [*self._waiting[0], table], units
        if sum(map(len, self._waiting[0])) >= PART_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what has come since the last part."""
        tables, units = self._waiting
        if tables:
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
