"""What is read off the scores of models: histograms, detection curves, operating points, calibration."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from stampshift.metrics.calibration import calibration_quantities, reliability
from stampshift.metrics.metrics import (
    confusion,
    detection_curve,
    false_positive_rate,
    fpr_at_mdr,
    mdr_at_fpr,
    missed_detection_rate,
)
from stampshift.stamps.file import BOGUS, REAL
from stampshift.tables.predictions import MODEL
from stampshift.tables.run_table import spread
from stampshift.tables.wording import pair_title, trained_name
from stampshift.tables.writing import Table, format_means, most_splits

# fine on a linear axis and on a logarithmic one
FPR_GRID = np.union1d(np.linspace(0, 1, 101), np.geomspace(1e-4, 1, 81))
SCORES = {"before": "score", "after": "scaled"}  # temperature scaling, column of the predictions


def score_histograms(predictions: pd.DataFrame, *, bins: int) -> pd.DataFrame:
    """Count the scores of every model by survey and label, as means per split.

    Bins are of equal width from 0 to 1; a score on an edge counts above it, 1 in the last bin. From
    predictions of `pool_predictions`, columns ``survey``, ``method``, ``shots``, ``label``, ``low`` and
    ``high`` (the bin's edges), ``count`` (mean per split), ``splits``.
    """
    edges = np.arange(bins + 1) / bins
    parts = []
    for key, rows in predictions.groupby([*MODEL, "label"], observed=True):
        splits = rows["seed"].nunique()
        counts = np.histogram(rows["score"].astype(float), edges)[0] / splits
        columns = {"low": edges[:-1], "high": edges[1:], "count": counts, "splits": splits}
        parts.append(pd.DataFrame(dict(zip([*MODEL, "label"], key, strict=True)) | columns))
    return pd.concat(parts, ignore_index=True)


def mean_curves(predictions: pd.DataFrame) -> pd.DataFrame:
    """Average the detection curves of the splits of every model, at fixed false-positive rates.

    From predictions of `pool_predictions`, columns ``survey``, ``method``, ``shots``, ``fpr``, and of the
    missed-detection rate over splits ``mean``, ``std`` (sample), ``low``, ``high`` (the extremes) and
    ``splits``. The true-positive rate of a ROC curve is one less the missed-detection rate.
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

    The false-positive rate is read off at some missed-detection rates `mdr`, and the reverse at `fpr`. From
    predictions of `pool_predictions`, columns ``survey``, ``method``, ``shots``, ``quantity``, then ``mean``,
    ``std`` (sample), ``low``, ``high`` (the extremes) and ``splits``, and ``n_real`` and ``n_bogus``, the
    mean numbers of test stamps of a split: a rate is no finer than one over these.
    """
    lines = [
        dict(zip(MODEL, key, strict=False))
        | {"quantity": quantity, "value": value}
        | {"n_real": (rows["label"] == REAL).sum(), "n_bogus": (rows["label"] == BOGUS).sum()}
        for key, rows in predictions.groupby([*MODEL, "seed"], observed=True)
        for quantity, value in _quantities(rows, mdr=mdr, fpr=fpr)
    ]
    groups = pd.DataFrame(lines).groupby([*MODEL, "quantity"], sort=False)
    return spread(groups["value"]).join(groups[["n_real", "n_bogus"]].mean()).reset_index()


def operating_point_table(numbers: pd.DataFrame, *, pair: str) -> Table:
    """Print the numbers of `operating_points`, a line per survey and model."""
    caption = (
        f"Models of {pair_title(pair)} on test parts, mean ± sample standard deviation over "
        f"{most_splits(numbers)}: area under the ROC curve (AUC), and the share of bogus stamps called real "
        "(FPR) and of real stamps missed (MDR) at some thresholds. FPR at an MDR is the lowest of any "
        "threshold that misses no larger share, and MDR at an FPR likewise."
    )
    return Table(numbers, _cells(numbers), caption, f"tab:points:{pair}")


def reliability_curves(predictions: pd.DataFrame, *, bins: int) -> pd.DataFrame:
    """Share of reals by score of every model, test parts of all splits together, before and after scaling.

    From predictions of `add_scaled`; the columns of `reliability` follow ``survey``, ``method``, ``shots``
    and ``scaling``.
    """
    parts = []
    for key, rows in predictions.groupby(MODEL, observed=True):
        for scaling, column in SCORES.items():
            model = dict(zip(MODEL, key, strict=True)) | {"scaling": scaling}
            parts.append(pd.DataFrame(model | dict(reliability(rows["label"], rows[column], bins=bins))))
    return pd.concat(parts, ignore_index=True)


def calibration_numbers(predictions: pd.DataFrame, *, bins: int) -> pd.DataFrame:
    """Temperature and `calibration_quantities` of every model, before and after scaling, over splits.

    From predictions of `add_scaled`, columns ``survey``, ``method``, ``shots``, ``quantity``, then ``mean``,
    ``std`` (sample), ``low``, ``high`` (the extremes) and ``splits``.
    """
    lines = []
    for key, rows in predictions.groupby([*MODEL, "seed"], observed=True):
        values = {"temperature": rows["temperature"].iloc[0]}
        for scaling, column in SCORES.items():
            quantities = calibration_quantities(rows["label"], rows[column], bins=bins)
            values |= {f"{name} {scaling}": value for name, value in quantities.items()}
        model = dict(zip(MODEL, key, strict=False))
        lines += [model | {"quantity": name, "value": value} for name, value in values.items()]
    groups = pd.DataFrame(lines).groupby([*MODEL, "quantity"], sort=False)
    return spread(groups["value"]).reset_index()


def calibration_table(numbers: pd.DataFrame, *, pair: str) -> Table:
    """Print the numbers of `calibration_numbers`, a line per survey and model."""
    caption = (
        f"Calibration of the scores of models of {pair_title(pair)} on test parts, before and after "
        f"temperature scaling, mean ± sample standard deviation over {most_splits(numbers)}: expected "
        "calibration error (ECE), Brier score and negative log-likelihood (NLL). Each split's temperature "
        "was fitted on the validation stamps of the same split, the source's for the baseline and the "
        "target's shots for the adapted models; a temperature of 1 leaves scores as they are."
    )
    return Table(numbers, _cells(numbers), caption, f"tab:calibration:{pair}")


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


def _cells(numbers: pd.DataFrame) -> pd.DataFrame:
    """Cells with a line per survey and model, a column per quantity."""
    rows = []
    groups: Any = numbers.groupby(MODEL, sort=False)
    for (survey, method, shots), lines in groups:
        texts = format_means(lines["mean"], lines["std"])
        model = {"tested on": survey, "model": trained_name(method, shots)}
        rows.append(model | dict(zip(lines["quantity"], texts, strict=True)))
    return pd.DataFrame(rows)
