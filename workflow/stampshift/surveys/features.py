"""Features of candidates that an archive gives, read without decoding a stamp.

DES has 38 in its table (Goldstein et al. 2015, AJ 150, 82, table 2); the other archives have none.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.stamps.autoscan import COLUMNS
from stampshift.surveys import des

BANDS = {"g": 0, "r": 1, "i": 2, "z": 3}  # codes of Ayyar et al. 2022
REMEDY = "Use the archive's own table, or leave `forest` out of des_study.forests."


def of_des(paths: Sequence[Path]) -> pd.DataFrame:
    """The 38 features of every candidate of DES' table, by the stamps' identifier.

    Parameters
    ----------
    paths
        Files and folders of the archive; of the tars nothing is read.

    Returns
    -------
    pandas.DataFrame
        Column ``id`` (str) and those of `autoscan.COLUMNS` (float64, NaN where the table has a gap; BAND is
        0, 1, 2, 3 for g, r, i, z), in the table's order.

    Raises
    ------
    ArchiveError
        If the table is missing, lacks a column, or holds text where a number or a band should be.
    """
    table, *_ = des.files(paths)
    place = f"{des.SURVEY} archive {table}"
    dtypes = {"ID": np.int64, **dict.fromkeys(COLUMNS, np.float64), "BAND": np.str_}
    try:
        values = pd.read_csv(table, comment="#", skipinitialspace=True, usecols=list(dtypes), dtype=dtypes)
    except (ValueError, OSError) as error:
        raise ArchiveError(
            f"{place}: expected a CSV table with numbers in ID and the {len(COLUMNS)} columns of features, "
            f"and letters in BAND, found otherwise ({error}). {REMEDY}"
        ) from error
    bands = values["BAND"].str.strip()
    strange = bands[bands.notna() & ~bands.isin(list(BANDS))]
    if len(strange):
        raise ArchiveError(
            f"{place}: expected the bands {', '.join(BANDS)} in BAND, found '{strange.iloc[0]}' for ID "
            f"{values['ID'][strange.index[0]]}. {REMEDY}"
        )
    features = values[list(COLUMNS)].assign(BAND=bands.map(BANDS).astype(np.float64))
    features.insert(0, "id", values["ID"].astype(str))
    return features


FEATURES: dict[str, Callable[[Sequence[Path]], pd.DataFrame]] = {"des": of_des}
