"""Signal-to-noise ratios that an archive gives of its candidates, read without decoding a stamp.

DES has them in the column SNR of its table of features, HiTS in the key `SNRs` of every chunk; the archives
of ATLAS and ZTF have none. The values are the surveys' own, each by its own definition, as they stand in the
archive: negative ones too, of a difference in which flux is missing.
"""

import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.formats.fits import GZIP_MAGIC
from stampshift.formats.unpickling import unpickle
from stampshift.surveys import des, hits

REMEDY = "Use the survey's own archive, or do without recall by S/N: diagnostics.snr_bins: null."


def of_des(paths: Sequence[Path]) -> pd.DataFrame:
    """S/N of every candidate of DES' table, by the stamps' identifier.

    Parameters
    ----------
    paths
        Files and folders of the archive; of the tars nothing is read.

    Returns
    -------
    pandas.DataFrame
        Columns ``id`` (str) and ``snr`` (float64, NaN where the table has a gap), in the table's order.

    Raises
    ------
    ArchiveError
        If the table is missing, or has no numbers in ID and SNR.
    """
    table, *_ = des.files(paths)
    columns = {"ID": np.int64, "SNR": np.float64}
    try:
        values = pd.read_csv(table, comment="#", skipinitialspace=True, usecols=list(columns), dtype=columns)
    except (ValueError, OSError) as error:
        raise ArchiveError(
            f"{des.SURVEY} archive {table}: expected a CSV table with numbers in ID and SNR, found otherwise "
            f"({error}). {REMEDY}"
        ) from error
    return pd.DataFrame({"id": values["ID"].astype(str), "snr": values["SNR"]})


def of_hits(paths: Sequence[Path]) -> pd.DataFrame:
    """S/N of every candidate of HiTS' chunks, by the stamps' identifier; one pass over the archive.

    Parameters
    ----------
    paths
        Files and folders of the archive.

    Returns
    -------
    pandas.DataFrame
        Columns ``id`` (str) and ``snr`` (float64), in the archive's order.

    Raises
    ------
    ArchiveError
        If the archive is missing or corrupt, or a chunk does not have one S/N for each label.
    """
    return pd.concat(map(_of_chunk, hits.units(paths)), ignore_index=True)


def _of_chunk(unit: hits.Chunk) -> pd.DataFrame:
    stored = io.BytesIO(unit.content)
    with gzip.open(stored) if unit.content.startswith(GZIP_MAGIC) else stored as file:
        chunk = unpickle(cast(BinaryIO, file), place=unit.place)
    items = chunk.items() if isinstance(chunk, dict) else ()
    by_name = {key.decode() if isinstance(key, bytes) else key: value for key, value in items}
    snr, labels = (np.ravel(by_name.get(key, [])) for key in ("SNRs", "labels"))
    if len(snr) != len(labels) or len(snr) == 0:
        raise ArchiveError(
            f"{unit.place}: expected one number in 'SNRs' for each of the labels, found {len(snr)} for "
            f"{len(labels)}. {REMEDY}"
        )
    ids = [f"{unit.stem}:{row}" for row in range(len(snr))]
    return pd.DataFrame({"id": ids, "snr": snr.astype(np.float64)})


SIGNAL_TO_NOISE: dict[str, Callable[[Sequence[Path]], pd.DataFrame]] = {"des": of_des, "hits": of_hits}
