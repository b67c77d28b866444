"""The scores file: a line per candidate of a night, Parquet or CSV.

Columns are ``id``, ``survey``, ``score`` (calibrated P(real), missing where a candidate could not be scored),
``similarity``, ``flags`` (text: names joined by `SEPARATOR`, empty where there is none) and, if it was kept,
``distance``.
"""

from pathlib import Path

import pandas as pd

from stampshift.errors import ContractError

COLUMNS = ("id", "survey", "score", "similarity", "flags")
SEPARATOR = ";"


def read_scores(path: Path) -> pd.DataFrame:
    """Read a scores file, Parquet or CSV.

    Raises
    ------
    ContractError
        If it cannot be read, misses a column or has no line.
    """
    try:
        if path.suffix == ".csv":
            text = dict.fromkeys(("id", "survey", "flags"), str)
            table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"score": [""]})
        else:
            table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise ContractError(
            f"{path}: not a readable scores file ({error}); `stampshift score` makes one."
        ) from error
    missing = [name for name in COLUMNS if name not in table]
    if missing or table.empty:
        raise ContractError(
            f"{path}: expected a table of scores with the columns {', '.join(COLUMNS)}, found "
            f"{', '.join(map(str, table.columns))} and {len(table)} lines; `stampshift score` makes one."
        )
    return table
