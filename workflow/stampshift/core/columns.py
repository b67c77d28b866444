"""What the columns of a table hold, compared with what they should hold. No pandas is imported here."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stampshift.core.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd

TEXT, WHOLE, FINITE = "text", "whole numbers", "finite numbers"
TEXT_OR_GAPS, FINITE_OR_GAPS, IDENTIFIER = "text or gaps", "numbers", "identifiers in UTF-8"


def check_columns(table: "pd.DataFrame", kinds: Mapping[str, str], *, path: Path | str, remedy: str) -> None:
    """Raise a `ContractError` with the remedy if a column is missing, or holds a cell of another kind.

    The kinds, by column, are the constants of this module.
    """
    missing = [name for name in kinds if name not in table]
    if missing:
        raise ContractError(
            f"{path}: columns {', '.join(kinds)} are needed; {', '.join(missing)} missing. {remedy}"
        )
    for name, kind in kinds.items():
        wrong = ~FITS[kind](table[name]).to_numpy(bool)
        if wrong.any():
            line = int(wrong.argmax())
            found = f"{table[name].iloc[line]!r:.60}"
            raise ContractError(
                f"{path}: expected {kind} as {name}, found {found} in line {line + 1}. {remedy}"
            )


def _is_text(column: "pd.Series") -> "pd.Series":
    return column.map(lambda cell: isinstance(cell, str)).astype(bool)


def _is_whole(column: "pd.Series") -> "pd.Series":
    return column.notna() & (column.dtype.kind in "iu")


def _is_finite(column: "pd.Series") -> "pd.Series":
    if column.dtype.kind not in "iuf":
        return column.notna() & False
    return column.astype("float64").abs() < float("inf")  # which no gap is


def _is_decodable(cell: object) -> bool:
    """Whether a cell has a text: bytes of a name in another encoding have none."""
    if isinstance(cell, bytes):
        try:
            cell.decode()
        except UnicodeDecodeError:
            return False
    return True


FITS: Mapping[str, Callable[["pd.Series"], "pd.Series"]] = {
    IDENTIFIER: lambda column: column.map(_is_decodable).astype(bool),
    TEXT: _is_text,
    TEXT_OR_GAPS: lambda column: column.isna() | _is_text(column),
    WHOLE: _is_whole,
    FINITE: _is_finite,
    FINITE_OR_GAPS: lambda column: column.isna() | _is_finite(column),
}
