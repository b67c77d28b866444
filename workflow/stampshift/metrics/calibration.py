"""Calibration of scores: reliability, its summary numbers, and temperature scaling (Guo et al. 2017).

Scores are kept as float32 probabilities, which end at 1 - 2**-24: beyond a logit difference of about 17
all reals share the score 1, while bogus scores go down to 1e-45. Both ends are treated alike: a score
nearer to 0 or 1 than `NEAREST` counts as that near, a logit difference of 17.3. So sure a score moves no
calibration number, and one that is wrong costs 17.3 nats, not infinitely many.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss

from stampshift.stamps.file import REAL

NEAREST = 2.0**-25
LOG_TEMPERATURE_BOUNDS = (np.log(1e-3), np.log(1e3))  # far beyond any model's, so that a search can start


def logit_difference(scores: ArrayLike) -> NDArray[np.float64]:
    """Logit of real less that of bogus, log(p / (1 - p)), from scores p; limited as the module says."""
    return logit(np.clip(np.asarray(scores, dtype=np.float64), NEAREST, 1 - NEAREST))


def temperature_scaled(scores: ArrayLike, temperature: ArrayLike) -> NDArray[np.float64]:
    """Scores with their logits divided by a temperature, one or each its own; no call changes."""
    return expit(logit_difference(scores) / np.asarray(temperature))


def negative_log_likelihood(labels: ArrayLike, scores: ArrayLike, *, temperature: float) -> float:
    """Mean cross-entropy, in nats per stamp, of scores whose logits are divided by a temperature."""
    return float(np.logaddexp(0, -_margins(labels, scores) / temperature).mean())


def fit_temperature(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Temperature of the lowest negative log-likelihood (Guo et al. 2017, section 4.2).

    From labels (N,), 1 real and 0 bogus, and scores (N,), P(real), of validation stamps. None where there is
    no such temperature: if every stamp is called correctly the likelihood rises forever as the temperature
    falls to 0, and if the calls are worse than none as it grows.
    """
    margins = _margins(labels, scores)
    if (margins >= 0).all() or margins.mean() <= 0:
        return None
    # the likelihood is concave in 1 / temperature: one minimum
    found = minimize_scalar(
        lambda log_temperature: np.logaddexp(0, -margins / np.exp(log_temperature)).mean(),
        bounds=LOG_TEMPERATURE_BOUNDS,
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def fitted_calibration(labels: ArrayLike, scores: ArrayLike) -> dict[str, Any]:
    """Temperature of some validation stamps, and their likelihood (nats per stamp) before and after.

    Where no temperature is found (see `fit_temperature`) the scores stay as they are: temperature 1,
    ``fitted`` false.
    """
    found = fit_temperature(labels, scores)
    temperature = 1.0 if found is None else found
    return {
        "stamps": len(np.asarray(labels)),
        "fitted": found is not None,
        "temperature": temperature,
        "nll_before": negative_log_likelihood(labels, scores, temperature=1),
        "nll_after": negative_log_likelihood(labels, scores, temperature=temperature),
    }


def calibrated_splits(validation: pd.DataFrame) -> list[dict[str, Any]]:
    """Fit the temperature of every split of a cohort on validation stamps of that split alone.

    One temperature for all splits would let the validation labels of one split reach the test part of
    another, which may hold the same stamps. The validation stamps have the columns ``seed``, ``survey``,
    ``label`` and ``score``.
    """
    return [
        {"seed": int(str(seed)), "survey": str(rows["survey"].iloc[0])}
        | fitted_calibration(rows["label"], rows["score"])
        for seed, rows in validation.groupby("seed")
    ]


def add_scaled(predictions: pd.DataFrame, *, records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Add ``temperature`` and ``scaled``, the score at the temperature of the line's cohort and split.

    There is a record, of ``method``, ``shots`` and `calibrated_splits` as ``splits``, for every method and
    number of shots among the predictions, which are of `tables.predictions.pool_predictions`.
    """
    temperatures: dict[Any, float] = {
        (record["method"], record["shots"], split["seed"]): split["temperature"]
        for record in records
        for split in record["splits"]
    }
    runs = predictions.groupby(["method", "shots", "seed"], observed=True)["score"]
    each = runs.transform(lambda scores: temperatures[scores.name]).astype(float)
    return predictions.assign(temperature=each, scaled=temperature_scaled(predictions["score"], each))


def reliability(labels: ArrayLike, scores: ArrayLike, *, bins: int) -> pd.DataFrame:
    """Share of reals by score, in bins of equal width from 0 to 1: the points of a reliability diagram.

    A score on an edge counts above it, 1 in the last bin. Columns are ``low``, ``high`` (edges), ``count``,
    ``mean_score`` and ``share_real`` (NaN in an empty bin).
    """
    score, real = np.asarray(scores, dtype=np.float64), np.asarray(labels) == REAL
    index = np.minimum((score * bins).astype(int), bins - 1)
    count, summed, reals = (
        np.bincount(index, weights=weights, minlength=bins) for weights in (None, score, real)
    )
    filled = np.where(count > 0, count, np.nan)
    edges = np.arange(bins + 1) / bins
    means = {"mean_score": summed / filled, "share_real": reals / filled}
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "count": count} | means)


def expected_calibration_error(labels: ArrayLike, scores: ArrayLike, *, bins: int) -> float:
    """Mean distance, over stamps, of a bin's share of reals from its mean score (ECE; Naeini et al. 2015).

    Guo et al. bin the confidence of the call; here, as for two classes is usual, P(real) itself is
    binned, so that too many reals and too many bogus do not cancel.
    """
    table = reliability(labels, scores, bins=bins)
    distance = (table["share_real"] - table["mean_score"]).abs()
    return float((distance * table["count"]).sum() / table["count"].sum())


def calibration_quantities(labels: ArrayLike, scores: ArrayLike, *, bins: int) -> dict[str, float]:
    """``ECE``, ``Brier`` (mean squared error of the scores) and ``NLL`` (nats per stamp) of some scores."""
    return {
        "ECE": expected_calibration_error(labels, scores, bins=bins),
        "Brier": float(brier_score_loss(labels, scores)),
        "NLL": negative_log_likelihood(labels, scores, temperature=1),
    }


def _margins(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """Logit difference in favour of the true class, float64 (N,)."""
    return np.where(np.asarray(labels) == REAL, 1, -1) * logit_difference(scores)
