"""Detection curves and operating points over splits: ROC, and missed against false detections."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from stampshift.metrics.metrics import (
    confusion,
    detection_curve,
    false_positive_rate,
    fpr_at_mdr,
    mdr_at_fpr,
    missed_detection_rate,
)
from stampshift.tables.predictions import MODEL
from stampshift.tables.quantities import quantity_cells
from stampshift.tables.summaries import spread
from stampshift.tables.wording import counted, pair_title
from stampshift.tables.writing import Table

# fine on a linear axis and on a logarithmic one
FPR_GRID = np.union1d(np.linspace(0, 1, 101), np.geomspace(1e-4, 1, 81))


def mean_curves(predictions: pd.DataFrame) -> pd.DataFrame:
    """Average the detection curves of the splits of every model, at fixed false-positive rates.

    Parameters
    ----------
    predictions
        Of `pool_predictions`.

    Returns
    -------
    pandas.DataFrame
        Columns ``survey``, ``method``, ``shots``, ``fpr``, and of the missed-detection rate over splits
        ``mean``, ``std`` (sample), ``low``, ``high`` (the extremes) and ``splits``. The true-positive rate
        of a ROC curve is one less the missed-detection rate.
    """
    lines = []
    for key, rows in predictions.groupby([*MODEL, "seed"], observed=True):
        mdr = mdr_at_fpr(detection_curve(rows["label"], rows["score"]), FPR_GRID)
        lines.append(pd.DataFrame(dict(zip(MODEL, key, strict=False)) | {"fpr": FPR_GRID, "mdr": mdr}))
    curves = pd.concat(lines, ignore_index=True)
    return spread(curves.groupby([*MODEL, "fpr"], sort=False)["mdr"]).reset_index()


def operating_points(
    predictions: pd.DataFrame, *, mdr: Sequence[float], fpr: Sequence[float]
) -> pd.DataFrame:
    """Area under the ROC curve and operating points of every model, over splits.

    Parameters
    ----------
    predictions
        Of `pool_predictions`.
    mdr
        Missed-detection rates at which the false-positive rate is wanted.
    fpr
        False-positive rates at which the missed-detection rate is wanted.

    Returns
    -------
    pandas.DataFrame
        Columns ``survey``, ``method``, ``shots``, ``quantity``, then ``mean``, ``std`` (sample), ``low``,
        ``high`` (the extremes) and ``splits``, and ``n_real`` and ``n_bogus``, the mean numbers of test
        stamps of a split: a rate cannot be told more finely than one over these.
    """
    lines = [
        dict(zip([*MODEL, "seed"], key, strict=True))
        | {"quantity": quantity, "value": value}
        | {"n_real": (rows["label"] == 1).sum(), "n_bogus": (rows["label"] == 0).sum()}
        for key, rows in predictions.groupby([*MODEL, "seed"], observed=True)
        for quantity, value in _quantities(rows, mdr=mdr, fpr=fpr)
    ]
    groups = pd.DataFrame(lines).groupby([*MODEL, "quantity"], sort=False)
    return spread(groups["value"]).join(groups[["n_real", "n_bogus"]].mean()).reset_index()


def operating_point_table(numbers: pd.DataFrame, *, pair: str) -> Table:
    """Print the numbers of `operating_points`, a line per survey and model.

    Parameters
    ----------
    numbers
        Of `operating_points`.
    pair
        ``"<source>-to-<target>"``.
    """
    splits = counted(int(numbers["splits"].max()), "split")
    caption = (
        f"Models of {pair_title(pair)} on test parts, mean ± sample standard deviation over "
        f"{splits}: area under the ROC curve (AUC), and the share of bogus stamps called real (FPR) and of "
        "real stamps missed (MDR) at some thresholds. FPR at an MDR is the lowest of any threshold that "
        "misses no larger share, and MDR at an FPR likewise."
    )
    cells = quantity_cells(numbers)
    return Table(numbers, cells, caption, f"tab:points:{pair}")


def _quantities(
    rows: pd.DataFrame, *, mdr: Sequence[float], fpr: Sequence[float]
) -> Iterator[tuple[str, float]]:
    """Name and value of what is read off the scores of one run on one survey."""
    curve = detection_curve(rows["label"], rows["score"])
    yield "AUC", float(roc_auc_score(rows["label"], rows["score"]))
    for rate, value in zip(mdr, fpr_at_mdr(curve, mdr), strict=True):
        yield f"FPR at MDR {rate:g}", float(value)
    for rate, value in zip(fpr, mdr_at_fpr(curve, fpr), strict=True):
        yield f"MDR at FPR {rate:g}", float(value)
    counts = confusion(rows["label"], rows["score"])
    yield "FPR at score 0.5", false_positive_rate(counts)
    yield "MDR at score 0.5", missed_detection_rate(counts)
