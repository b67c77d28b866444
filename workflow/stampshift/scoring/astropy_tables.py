"""Scores as FITS and VOTable, the tables of astronomers' tools, with units and descriptions.

Both are written at once, from all lines in memory: a Parquet file of a very large night can be converted.
"""

from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import pandas as pd
import pyarrow as pa

# by the end of a name: astropy's format, and what it is told
ASTROPY_FORMATS = {".fits": ("fits", {}), ".vot": ("votable", {"tabledata_format": "binary2"})}
# unit, UCD (IVOA's controlled words) and description
MEANINGS = {
    "id": ("", "meta.id;meta.main", "candidate, as its survey names it"),
    "object": ("", "meta.id", "astronomical object, as its survey names it"),
    "survey": ("", "meta.id;instr", "survey"),
    "ra": ("deg", "pos.eq.ra;meta.main", "right ascension"),
    "dec": ("deg", "pos.eq.dec;meta.main", "declination"),
    "mjd": ("d", "time.epoch", "modified Julian date, UTC, as the survey gives it for the exposure"),
    "band": ("", "meta.id;instr.filter", "band"),
    "magnitude": ("mag", "phot.mag", "magnitude of the difference"),
    "sign": ("", "", "1 if brighter than the template, -1 if fainter, 0 if unknown"),
    "score": ("", "stat.probability", "calibrated probability that the candidate is real"),
    "real": ("", "meta.code", "1 if the score is at least the threshold, 0 if not, -1 if there is none"),
    "similarity": ("", "", "cosine with the nearer class prototype"),
    "distance": ("", "", "Mahalanobis distance to the nearer class"),
    "survey_score": ("", "", "the survey's own score"),
    "flag": ("", "meta.code", "what is wrong; names joined by a semicolon"),
    "reason": ("", "meta.note", "the flag in a sentence"),
    "place": ("", "meta.note", "file, and record or row"),
}
WITHOUT = {"sign": 0, "real": -1}  # what stands for a missing value, where a type has none


class AstropyWriter:
    """Writes Arrow tables of one schema to a stream, as pyarrow's writers do; nothing if the block raises."""

    def __init__(self, stream: BinaryIO, schema: pa.Schema, *, suffix: str) -> None:
        self._stream, self._schema, self._suffix = stream, schema, suffix
        self._tables: list[pa.Table] = []

    def __enter__(self) -> Self:
        return self

    def write_table(self, table: pa.Table) -> None:
        """Take some lines."""
        self._tables.append(table)

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is not None:
            return
        from astropy.table import Column, Table  # half a second, which Parquet need not wait for

        lines = pa.concat_tables([self._schema.empty_table(), *self._tables])
        columns = []
        for name in lines.column_names:
            unit, ucd, description = MEANINGS[name]
            column = Column(_cells(name, lines[name]), name, unit=unit or None, description=description)
            column.meta |= {"ucd": ucd} if ucd else {}
            columns.append(column)
        form, options = ASTROPY_FORMATS[self._suffix]
        Table(columns, copy=False).write(self._stream, format=form, **options)


def _cells(name: str, column: pa.ChunkedArray) -> np.ndarray:
    """Cells of a column: ASCII as FITS wants it, NaN or a mark of `WITHOUT` for what is missing."""
    if column.type == pa.string():
        texts = [text.encode("ascii", "backslashreplace") for text in column.to_pylist()]
        return np.array(texts, f"S{max(map(len, texts), default=1) or 1}")
    if name in WITHOUT:
        return column.cast(pa.int16()).fill_null(WITHOUT[name]).to_numpy()
    return column.to_numpy()


def read_with_astropy(path: Path) -> pd.DataFrame:
    """Table of a FITS or VOTable file that `AstropyWriter` wrote, as the Parquet file would give it.

    An `OSError` or a `ValueError` if it cannot be read.
    """
    from astropy.table import Table

    try:
        table = Table.read(path, format=ASTROPY_FORMATS[path.suffix][0])
        table.convert_bytestring_to_unicode()
        frame = table.to_pandas()
    except OSError:
        raise
    except Exception as error:  # of a damaged file astropy raises anything
        raise ValueError(f"{error!r}") from error
    for name, mark in WITHOUT.items():
        if name in frame:
            frame[name] = frame[name].where(frame[name] != mark)
    texts = frame.select_dtypes(exclude="number").columns
    return frame.assign(**{name: frame[name].fillna("").astype(str) for name in texts})
