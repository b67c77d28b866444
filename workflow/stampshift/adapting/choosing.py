"""After which epoch an adaptation ends, if it is kept at all, by held-out stamps; and what judges it."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stampshift.metrics.metrics import THRESHOLD, cross_entropies
from stampshift.stamps.file import REAL
from stampshift.training.keeping import kept_epochs

START = 0  # the epoch of the model that an adaptation starts from
# columns of sums over stamps; sums of several folds add up
SUMS = ["real", "bogus", "real_right", "bogus_right", "cross_entropy"]

Sums = NDArray[np.float64]  # (folds, epochs from START, SUMS)


def choose_epochs(scores: pd.DataFrame, *, keep: str | None, fallback: bool) -> pd.DataFrame:
    """How well held-out stamps are called before and after each epoch, and the epoch that they choose.

    Of the epochs of training `keep`, a rule of `training.keeping`, chooses one; None is for the highest
    balanced accuracy, of equals the lowest cross-entropy, of these the first. With `fallback` the model stays
    as it was, `START`, where held-out stamps, each after the epoch that the others choose, have a lower
    balanced accuracy than before. The best of many epochs nearly always looks better than the start, which
    the epochs chosen by others need not. At equal accuracy the model is adapted: as a rule that helps, and so
    few stamps cannot show a small gain.

    Parameters
    ----------
    scores
        Columns ``fold``, ``epoch``, from `START`, ``label`` and ``score``: a line per epoch and stamp.
    keep, fallback
        See above.

    Returns
    -------
    pandas.DataFrame
        Columns ``epoch``, ``held_out_balanced_accuracy``, ``held_out_loss`` (cross-entropy, nats) and
        ``chosen``, true for one epoch. No line where nothing was held out.
    """
    accuracies, losses, epochs, chosen = np.zeros(0), np.zeros(0), np.zeros(0, int), START
    if len(scores):
        sums = _sums(scores)
        accuracies, losses = _judged(sums.sum(axis=0))
        epochs, chosen = np.arange(len(losses)), _chosen(sums, keep=keep, fallback=fallback)
    columns = {"held_out_balanced_accuracy": accuracies, "held_out_loss": losses, "chosen": epochs == chosen}
    return pd.DataFrame({"epoch": epochs} | columns)


def judged_scores(scores: pd.DataFrame, *, keep: str | None, fallback: bool) -> pd.DataFrame:
    """The scores that judge an adaptation: each fold's after the epoch that the *other* folds choose.

    So no stamp has a say in the epoch at which it is judged, nor in whether the adapted model is kept, and
    the verdict is not that of the best of many epochs (the outer loop of a nested cross-validation: Varma &
    Simon 2006, BMC Bioinformatics 7, 91).

    Parameters
    ----------
    scores, keep, fallback
        As for `choose_epochs`; of two folds at least, or of none.

    Returns
    -------
    pandas.DataFrame
        The columns of `scores`, a line per labelled stamp, fold after fold.
    """
    if scores.empty:
        return scores
    epochs = dict(zip(np.unique(scores["fold"]), _by_others(_sums(scores), keep, fallback), strict=True))
    judged = scores[scores["epoch"] == scores["fold"].map(epochs)]
    return judged.sort_values("fold", kind="stable", ignore_index=True)


def chosen_of(table: pd.DataFrame) -> int:
    """Epoch that a table with columns ``epoch`` and ``chosen`` marks."""
    return int(table.loc[table["chosen"], "epoch"].iloc[0])


def best_epoch(accuracies: ArrayLike, losses: ArrayLike, *, keep: str | None) -> int:
    """Epoch, from 1, that `keep` chooses (`choose_epochs`) by balanced accuracy and cross-entropy."""
    if keep is not None:
        return kept_epochs(accuracies, losses)[keep]
    return 1 + int(
        np.lexsort((np.asarray(losses), -np.asarray(accuracies)))[0]
    )  # a stable sort: the first of equals


def _sums(scores: pd.DataFrame) -> Sums:
    real = (scores["label"] == REAL).to_numpy()
    right = (scores["score"] > THRESHOLD).to_numpy() == real
    columns = (real, ~real, real & right, ~real & right, cross_entropies(scores["label"], scores["score"]))
    table = pd.DataFrame(dict(zip(SUMS, columns, strict=True))).groupby([scores["fold"], scores["epoch"]])
    return table.sum().to_numpy(float).reshape(scores["fold"].nunique(), -1, len(SUMS))


def _judged(sums: Sums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Balanced accuracies and mean cross-entropies, (epochs,), of sums (epochs, SUMS)."""
    real, bogus, real_right, bogus_right, cross_entropy = sums.T
    return (real_right / real + bogus_right / bogus) / 2, cross_entropy / (real + bogus)


def _chosen(sums: Sums, *, keep: str | None, fallback: bool) -> int:
    accuracies, losses = _judged(sums.sum(axis=0))
    chosen = best_epoch(accuracies[START + 1 :], losses[START + 1 :], keep=keep)
    if not fallback:
        return chosen
    # of a single fold there are no others
    epochs = _by_others(sums, keep, fallback=False) if len(sums) > 1 else [chosen]
    (accuracy,), _ = _judged(sums[np.arange(len(sums)), epochs].sum(axis=0, keepdims=True))
    return chosen if accuracy >= accuracies[START] else START


def _by_others(sums: Sums, keep: str | None, fallback: bool) -> list[int]:
    """For every fold the epoch that the others choose."""
    return [_chosen(np.delete(sums, fold, axis=0), keep=keep, fallback=fallback) for fold in range(len(sums))]
