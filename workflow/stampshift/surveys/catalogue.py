"""What archives say of their candidates beside the stamps, read without decoding any.

DES' table has 38 features (Goldstein et al. 2015, AJ 150, 82, table 2), among them the signal-to-noise ratio
SNR; HiTS has a ratio in the key `SNRs` of every chunk; the archives of ATLAS and ZTF have neither. The values
are as in the archive, each by its survey's definition; ratios may be negative.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.stamps.autoscan import COLUMNS
from stampshift.surveys import des, hits

BANDS = {"g": 0, "r": 1, "i": 2, "z": 3}  # codes of Ayyar et al. 2022
NO_FEATURES = "Use the archive's own table, or leave `forest` out of des_study.forests."
NO_RATIOS = "Use the survey's own archive, or switch off recall by S/N with diagnostics.snr_bins: null."


def features_of_des(paths: Sequence[Path]) -> pd.DataFrame:
    """The 38 features of every candidate of DES' table, in its order.

    Columns are ``id`` (str) and those of `autoscan.COLUMNS` (float64, NaN for a gap; BAND is a code of
    `BANDS`). Raises an `ArchiveError` if the table is missing, lacks a column, or holds text where a number
    or a band should be.
    """
    table, *_ = des.files(paths)
    values = des.read_autoscan(table, COLUMNS, remedy=NO_FEATURES)
    bands = values["BAND"].str.strip()
    strange = bands[bands.notna() & ~bands.isin(list(BANDS))]
    if len(strange):
        raise ArchiveError(
            f"{des.SURVEY} archive {table}: expected the bands {', '.join(BANDS)} in BAND, found "
            f"'{strange.iloc[0]}' for ID {values['ID'][strange.index[0]]}. {NO_FEATURES}"
        )
    features = values[list(COLUMNS)].assign(BAND=bands.map(BANDS).astype(np.float64))
    features.insert(0, "id", values["ID"].astype(str))
    return features


def ratios_of_des(paths: Sequence[Path]) -> pd.DataFrame:
    """S/N of candidates of DES' table, in its order: ``id`` (str) and ``snr`` (float64, NaN for a gap)."""
    table, *_ = des.files(paths)
    values = des.read_autoscan(table, ["SNR"], remedy=NO_RATIOS)
    return pd.DataFrame({"id": values["ID"].astype(str), "snr": values["SNR"]})


def ratios_of_hits(paths: Sequence[Path]) -> pd.DataFrame:
    """S/N of every candidate of HiTS' chunks: ``id`` (str) and ``snr`` (float64), in the archive's order."""
    chunks = []
    for unit in hits.units(paths):
        chunk = hits.read_chunk(unit)
        snr, labels = (np.ravel(chunk.get(key, [])) for key in ("SNRs", "labels"))
        if len(snr) != len(labels) or len(snr) == 0:
            raise ArchiveError(
                f"{unit.place}: expected one number in 'SNRs' for each of the labels, found {len(snr)} for "
                f"{len(labels)}. {NO_RATIOS}"
            )
        ids = [f"{unit.stem}:{row}" for row in range(len(snr))]
        chunks.append(pd.DataFrame({"id": ids, "snr": snr.astype(np.float64)}))
    return pd.concat(chunks, ignore_index=True)


# by the name of the reader
Catalogues = dict[str, Callable[[Sequence[Path]], pd.DataFrame]]
FEATURES: Catalogues = {"des": features_of_des}
SIGNAL_TO_NOISE: Catalogues = {"des": ratios_of_des, "hits": ratios_of_hits}
