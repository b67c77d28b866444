"""The scores file: a line per candidate of a night, in the format that its name says.

`SCHEMA` says what `stampshift score` writes. A flag is text, names joined by `SEPARATOR`, empty where there
is none. A drift report needs `COLUMNS` alone.
"""

from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from stampshift.core.columns import FINITE_OR_GAPS, IDENTIFIER, TEXT, TEXT_OR_GAPS, check_columns
from stampshift.core.errors import ContractError
from stampshift.core.files import read_parquet
from stampshift.scoring.astropy_tables import ASTROPY_FORMATS, AstropyWriter, read_with_astropy

SKY = ("ra", "dec", "mjd", "magnitude", "sign")
NUMBERS = (*SKY, "score", "similarity", "distance", "survey_score")
COLUMNS = {"id": IDENTIFIER, "survey": TEXT, "score": FINITE_OR_GAPS, "similarity": FINITE_OR_GAPS}
COLUMNS |= {"flag": TEXT_OR_GAPS}
FORMER = {"flags": "flag"}  # names of columns in files of older versions
SEPARATOR = ";"
# how a cell begins that a spreadsheet takes for a formula; CSV has an apostrophe before it, and before those
# that begin with apostrophes and then so
FORMULA = "'*[=+@\t\r＝＋－＠-]"

SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # of the candidate, as its survey has it
        ("object", pa.string()),  # of the astronomical object, empty where there is none
        ("survey", pa.string()),
        # what the packet says, missing where it does not
        ("ra", pa.float64()),  # degrees
        ("dec", pa.float64()),  # degrees
        ("mjd", pa.float64()),  # days, UTC: the start or the middle of the exposure, as the survey has it
        ("band", pa.string()),
        ("magnitude", pa.float32()),  # of the difference, in the survey's system
        ("sign", pa.int8()),  # of the difference: 1 brighter than the template, -1 fainter
        ("score", pa.float32()),  # calibrated P(real), missing where there can be none
        ("real", pa.bool_()),  # whether the score is at least the threshold, missing like it or without one
        ("similarity", pa.float32()),
        ("distance", pa.float32()),
        ("survey_score", pa.float32()),  # the survey's own, missing where it has none
        ("flag", pa.string()),
        ("reason", pa.string()),  # a sentence where there is no score
        ("place", pa.string()),  # file, and record or row
    ]
)


TEXTS = tuple(field.name for field in SCHEMA if field.type == pa.string())
WRITERS = {
    ".parquet": partial(pq.ParquetWriter, write_page_checksum=True),
    ".csv": pyarrow.csv.CSVWriter,
    **{suffix: partial(AstropyWriter, suffix=suffix) for suffix in ASTROPY_FORMATS},
}


def for_people(table: pa.Table) -> pa.Table:
    """Lines of a scores file as CSV has them: no text is a formula to a spreadsheet."""
    for name in TEXTS:
        column = pc.replace_substring_regex(table[name], f"^({FORMULA})", r"'\1")
        table = table.set_column(table.schema.get_field_index(name), SCHEMA.field(name), column)
    return table


def read_scores(path: Path) -> pd.DataFrame:
    """Read a scores file of any format, and of any version.

    Raises
    ------
    ContractError
        If it cannot be read, misses a column, has no line, or text where numbers belong.
    """
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "no such file"
        raise ContractError(f"{path}: {found}; `stampshift score` makes a scores file.")
    try:
        if path.suffix == ".csv":
            text = dict.fromkeys(TEXTS, str)
            table = pd.read_csv(
                path, dtype=text, keep_default_na=False, na_values={name: [""] for name in NUMBERS}
            )
            for name in set(TEXTS) & set(table):
                table[name] = table[name].str.replace(f"^'({FORMULA})", r"\1", regex=True)
        elif path.suffix in ASTROPY_FORMATS:
            table = read_with_astropy(path)
        else:
            table = read_parquet(path)
    except (OSError, ValueError) as error:
        raise ContractError(
            f"{path}: not a readable scores file ({error}); `stampshift score` makes one."
        ) from error
    table = table.rename(columns=FORMER)
    if table.empty or not set(COLUMNS) <= set(table):
        raise ContractError(
            f"{path}: expected a table of scores with the columns {', '.join(COLUMNS)}, found "
            f"{', '.join(map(str, table.columns))} and {len(table)} lines; `stampshift score` makes one."
        )
    kinds = COLUMNS | {name: FINITE_OR_GAPS for name in NUMBERS if name in table}
    check_columns(table, kinds, path=path, remedy="`stampshift score` makes a scores file.")
    return table
