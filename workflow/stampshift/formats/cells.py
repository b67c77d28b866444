"""Cells of a table that are identifiers, objects or classes: exact, short, and as text."""

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stampshift.core.errors import ArchiveError

MOST_CHARACTERS = 256
EXACT = 2**53  # from here on doubles do not hold every whole number


class Column(NamedTuple):
    """A column that is read whole: its cells in blocks, and the bits of an exact integer in it, 0 for any."""

    blocks: Iterable[Sequence[Any]]
    exact_bits: int


def read_cells(path: Path, name: str, column: Column) -> list[Any]:
    """Cells of a column; an `ArchiveError` at one that is no identifier or class, or was one once."""
    limit = 2**column.exact_bits if column.exact_bits else math.inf
    cells: list[Any] = []
    for block in column.blocks:
        for row, cell in enumerate(block, len(cells)):
            if isinstance(cell, str | bytes):
                if len(cell) > MOST_CHARACTERS:
                    raise ArchiveError(f"{path}, row {row}: {too_long(len(cell), name)}")
            elif isinstance(cell, list | tuple | dict | set | np.ndarray | np.void):
                raise ArchiveError(
                    f"{path}, row {row}: expected one text or number in '{name}', found "
                    f"{type(cell).__name__}. Name another column."
                )
            elif isinstance(cell, float | np.floating) and limit <= abs(float(cell)) < math.inf:
                raise ArchiveError(
                    f"{path}, row {row}: expected exact numbers in '{name}', found {float(cell):.17g} as a "
                    f"floating-point number, which loses digits from 2**{column.exact_bits} on. Write the "
                    "column again as int64 or text, from where its digits are whole."
                )
        cells += block
    return cells


def too_long(characters: int, name: str) -> str:
    """What to say of a text of more than `MOST_CHARACTERS`."""
    return (
        f"expected at most {MOST_CHARACTERS} characters in '{name}', found {characters}. Shorten it, or name "
        "another column."
    )


def exact_bits(dtype: np.dtype[Any]) -> int:
    """Bits of the largest whole number up to which a type holds every one, 0 if it holds any that it can."""
    return np.finfo(dtype).nmant + 1 if dtype.kind == "f" else 0


def decoded_name(name: str) -> str:
    """A file's name with an escape in place of each byte that is no UTF-8."""
    return as_text(os.fsencode(name))


def as_text(cell: Any) -> str:
    """A cell as text: a class, an identifier; ``""`` of a gap. Bytes that are no UTF-8 are escaped."""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "backslashreplace")
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell)).lower()
    if isinstance(cell, float | np.floating) and math.isfinite(cell) and cell == int(cell):
        return str(int(cell))
    return str(cell).encode("utf-8", "backslashreplace").decode()
