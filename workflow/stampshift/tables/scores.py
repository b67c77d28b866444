"""Histograms of the scores of real and of bogus stamps."""

import numpy as np
import pandas as pd

from stampshift.tables.predictions import MODEL


def score_histograms(predictions: pd.DataFrame, *, bins: int) -> pd.DataFrame:
    """Count the scores of every model by survey and label, as means per split.

    Parameters
    ----------
    predictions
        Of `pool_predictions`.
    bins
        Bins of equal width from 0 to 1; a score on an edge counts above it, 1 in the last bin.

    Returns
    -------
    pandas.DataFrame
        Columns ``survey``, ``method``, ``shots``, ``label``, ``low`` and ``high`` (the bin's edges),
        ``count`` (mean per split), ``splits``.
    """
    edges = np.arange(bins + 1) / bins
    parts = []
    for key, rows in predictions.groupby([*MODEL, "label"], observed=True):
        splits = rows["seed"].nunique()
        counts = np.histogram(rows["score"].astype(float), edges)[0] / splits
        columns = {"low": edges[:-1], "high": edges[1:], "count": counts, "splits": splits}
        parts.append(pd.DataFrame(dict(zip([*MODEL, "label"], key, strict=True)) | columns))
    return pd.concat(parts, ignore_index=True)
