"""Metrics of a real/bogus classifier, real being the positive class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stampshift.core.errors import ContractError
from stampshift.stamps.file import BOGUS, REAL

NEAREST = 1e-7  # to 0 and 1 that a float32 score is taken to be when its logarithm is
THRESHOLD = 0.5  # with two logits, a score above one half is the larger logit
ROUNDING = 1e-12  # of rates: 1 - 99/100 is a little more than 0.01


def confusion(labels: ArrayLike, scores: ArrayLike, *, threshold: float = THRESHOLD) -> dict[str, int]:
    """Count true positives ``tp``, false negatives ``fn``, false positives ``fp`` and true negatives ``tn``.

    From labels (N,), 1 real and 0 bogus, and scores (N,), P(real). A stamp is called real when its score is
    greater than the threshold; a tie is bogus, as with the argmax of two equal logits. Raises `ContractError`
    if lengths differ, a label is neither 0 nor 1, a score is not a probability, or a class is empty.
    """
    real, score = _checked(labels, scores)
    called = score > threshold
    tp, fp = int((called & real).sum()), int((called & ~real).sum())
    return {"tp": tp, "fn": int(real.sum()) - tp, "fp": fp, "tn": int((~real).sum()) - fp}


def evaluate(labels: ArrayLike, scores: ArrayLike, *, threshold: float = THRESHOLD) -> dict[str, Any]:
    """Balanced accuracy (the mean of the two recalls), recalls, counts and the counts of `confusion`.

    All are plain numbers, ready for JSON: ``balanced_accuracy``, ``recall_real``, ``recall_bogus``,
    ``n_real``, ``n_bogus`` and ``confusion``.
    """
    counts = confusion(labels, scores, threshold=threshold)
    n_real, n_bogus = counts["tp"] + counts["fn"], counts["fp"] + counts["tn"]
    recall_real, recall_bogus = counts["tp"] / n_real, counts["tn"] / n_bogus
    return {
        "balanced_accuracy": (recall_real + recall_bogus) / 2,
        "recall_real": recall_real,
        "recall_bogus": recall_bogus,
        "n_real": n_real,
        "n_bogus": n_bogus,
        "confusion": counts,
    }


def evaluate_predictions(predictions: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """`evaluate` by survey, in the order in which they first appear: the ``evaluation`` of ``metrics.json``.

    The predictions have the columns ``survey``, ``label`` and ``score``, one line per stamp. Raises
    `ContractError` if one is missing, there is no line, or `evaluate` refuses a survey, which is named.
    """
    missing = {"survey", "label", "score"} - set(predictions.columns)
    if missing or predictions.empty:
        raise ContractError(
            "predictions: expected a table with the columns survey, label and score and at least one "
            f"line, found the columns {', '.join(map(str, predictions.columns))} and {len(predictions)} "
            "lines. Delete the run's folder; the workflow makes it again."
        )
    evaluation = {}
    for survey, rows in predictions.groupby("survey", sort=False, observed=True):
        try:
            evaluation[str(survey)] = evaluate(rows["label"], rows["score"])
        except ContractError as error:
            raise ContractError(f"{survey}: {error}") from error
    return evaluation


def mean_evaluation(evaluations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Evaluation over several surveys, each of which counts the same: mean rates, and counts in all."""
    rates = ("balanced_accuracy", "recall_real", "recall_bogus")
    means = {name: sum(each[name] for each in evaluations) / len(evaluations) for name in rates}
    return means | {name: sum(each[name] for each in evaluations) for name in ("n_real", "n_bogus")}


def accuracy(counts: dict[str, int]) -> float:
    """Share of all stamps that are called correctly, from the counts of `confusion`."""
    return (counts["tp"] + counts["tn"]) / sum(counts.values())


def mean_cross_entropy(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean of the `cross_entropies` of labels (N,) and scores (N,)."""
    return float(cross_entropies(labels, scores).mean())


def cross_entropies(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """Binary cross-entropy of each stamp (N,), in nats, scores kept `NEAREST` away from 0 and 1."""
    real, score = _checked(labels, scores)
    of_label = np.where(real, score, 1 - score)
    return -np.log(np.clip(of_label, NEAREST, 1 - NEAREST))


def missed_detection_rate(counts: dict[str, int]) -> float:
    """Share of the reals that are called bogus (MDR), from the counts of `confusion`."""
    return counts["fn"] / (counts["tp"] + counts["fn"])


def false_positive_rate(counts: dict[str, int]) -> float:
    """Share of the bogus that are called real (FPR), from the counts of `confusion`."""
    return counts["fp"] / (counts["fp"] + counts["tn"])


def detection_curve(labels: ArrayLike, scores: ArrayLike) -> pd.DataFrame:
    """Missed-detection rate and false-positive rate at every threshold that changes either.

    This is the form of the ROC curve of Goldstein et al. (2015): the false-positive rate against the
    missed-detection rate instead of against the true-positive rate. Columns are ``threshold`` (descending:
    infinity, then every distinct score), ``mdr`` (from 1 to 0) and ``fpr`` (from 0 to 1); here a stamp is
    called real when its score is at least the threshold.
    """
    # a training, which draws no curve, can do without this second of imports
    from sklearn.metrics import roc_curve

    fpr, tpr, thresholds = roc_curve(*_checked(labels, scores), drop_intermediate=False)
    return pd.DataFrame({"threshold": thresholds, "mdr": 1 - tpr, "fpr": fpr})


def mdr_at_fpr(curve: pd.DataFrame, rates: ArrayLike) -> NDArray[np.float64]:
    """Lowest missed-detection rate of any threshold whose false-positive rate does not exceed each rate.

    From a `detection_curve` and rates (n,); float64 (n,). Nothing between two thresholds is interpolated.
    """
    index = np.searchsorted(curve["fpr"].to_numpy(), np.asarray(rates) + ROUNDING, side="right") - 1
    return curve["mdr"].to_numpy()[index]


def fpr_at_mdr(curve: pd.DataFrame, rates: ArrayLike) -> NDArray[np.float64]:
    """Lowest false-positive rate of any threshold whose missed-detection rate does not exceed each rate."""
    index = np.searchsorted(-curve["mdr"].to_numpy(), -np.asarray(rates) - ROUNDING, side="left")
    return curve["fpr"].to_numpy()[index]


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Labels as booleans (real) and scores as floats, or a `ContractError` that says what is wrong."""
    label, score = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if label.ndim != 1 or label.shape != score.shape:
        raise ContractError(
            f"expected as many scores as labels in one dimension, found {label.shape} labels and "
            f"{score.shape} scores."
        )
    real, bogus = label == REAL, label == BOGUS
    if not (real | bogus).all():
        found = sorted(set(label[~(real | bogus)].tolist()))[:5]
        raise ContractError(f"expected labels 1 (real) and 0 (bogus), found {found}.")
    if not ((score >= 0) & (score <= 1)).all():
        found = score[~((score >= 0) & (score <= 1))][0]
        raise ContractError(f"expected scores between 0 and 1, found {found}; the model may have diverged.")
    if not real.any() or not bogus.any():
        raise ContractError(
            f"expected at least one real and one bogus stamp, found {int(real.sum())} real and "
            f"{int(bogus.sum())} bogus; without both, balanced accuracy has no value. Give the survey "
            "more stamps or a larger test part."
        )
    return real, score
