"""The scores file: a line per candidate of a night, Parquet or CSV.

`SCHEMA` says what `stampshift score` writes. Flags are text, names joined by `SEPARATOR`, empty where there
is none. A drift report needs `COLUMNS` alone.
"""

from pathlib import Path

import pandas as pd
import pyarrow as pa
from pandas.api.types import is_numeric_dtype

from stampshift.core.errors import ContractError

COLUMNS = ("id", "survey", "score", "similarity", "flags")
SEPARATOR = ";"
NUMBERS = ("score", "similarity", "distance", "survey_score")
NOT_SQUARE, RAGGED, TOO_SMALL = "not square", "sizes differ", "too small"
NO_VALID_PIXEL = "no valid pixel"
UNFIT = {"non_square": NOT_SQUARE, "ragged": RAGGED, "too_small": TOO_SMALL}

SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # of the candidate, as its survey has it
        ("object", pa.string()),  # of the astronomical object, empty where there is none
        ("survey", pa.string()),
        ("score", pa.float32()),  # calibrated P(real), missing where it cannot be told
        ("real", pa.bool_()),  # whether the score is at least the threshold, missing like it or without one
        ("similarity", pa.float32()),
        ("distance", pa.float32()),
        ("survey_score", pa.float32()),  # the survey's own, missing where it has none
        ("flags", pa.string()),
        ("reason", pa.string()),  # of a candidate that has no score, a sentence
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
    missing = [name for name in COLUMNS if name not in table]
    if missing or table.empty:
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
