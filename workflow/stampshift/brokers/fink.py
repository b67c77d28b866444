"""A science module of Fink: a function of pandas Series, which Spark's `pandas_udf` takes.

Fink's modules are scalar pandas UDFs whose arguments are columns of the packets
(https://github.com/astrolabsoftware/fink-science).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError
from stampshift.formats.fits import image_of
from stampshift.release.released import ReleasedModel, load

NO_IMAGE = np.empty((0, 0), np.float32)  # too small for any crop: it has a flag, and no score


def science_module(
    model: Path | str, *, survey: str
) -> Callable[[pd.Series, pd.Series, pd.Series], pd.Series]:
    """Function from the columns of the three cutouts to P(real), for a survey's packets.

    The cells are FITS bytes, gzipped or not: of Rubin the columns themselves, of ZTF their field `stampData`.
    A worker opens the model once. The result is float32, NaN where there can be no score.

    Examples
    --------
    In a `processor.py` of Fink::

        from pyspark.sql.functions import pandas_udf
        from pyspark.sql.types import FloatType

        score = pandas_udf(science_module("rubin-model", survey="Rubin"), FloatType())
        df = df.withColumn("stampshift", score("cutoutTemplate", "cutoutScience", "cutoutDifference"))

    Of ZTF the columns are ``cutoutTemplate.stampData`` and its like.
    """
    folder = str(model)

    def real_bogus(template: pd.Series, science: pd.Series, difference: pd.Series) -> pd.Series:
        columns = ([_image(cell) for cell in column] for column in (template, science, difference))
        scores = _opened(folder).score(*columns, survey=survey)["score"]
        return pd.Series(scores.to_numpy(), index=template.index)

    return real_bogus


@cache
def _opened(model: str) -> ReleasedModel:
    return load(model)


def _image(cell: Any) -> NDArray[np.float32]:
    try:
        return image_of(cell, place="cutout")
    except ArchiveError:
        return NO_IMAGE
