"""Recall of a group of stamps that several splits test, with a binomial interval."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from stampshift.metrics.intervals import binomial_interval
from stampshift.metrics.metrics import THRESHOLD
from stampshift.stamps.file import REAL
from stampshift.tables.wording import trained_name


def rightly_called(predictions: pd.DataFrame) -> pd.Series:
    """Whether each of the predictions gives its stamp the right label; a score of just 0.5 says bogus."""
    return (predictions["score"] > THRESHOLD) == (predictions["label"] == REAL)


def pooled_recall(rows: pd.DataFrame, *, confidence: float) -> dict[str, float]:
    """Recall over the test parts of all splits together.

    The interval is Wilson's, of the recall over as many trials as there are distinct stamps: one that several
    splits test is no new evidence of its group. It tells nothing of how much trainings differ; the standard
    deviation over splits does.

    Parameters
    ----------
    rows
        Predictions of one model on one group of stamps: columns ``right`` (bool), ``row`` and ``seed``.
    confidence
        Of the interval, a share.

    Returns
    -------
    dict
        ``recall``, ``low`` and ``high`` (the interval), ``std`` (sample, of the splits' recalls; NaN for a
        single split), ``splits`` (those that test the group) and ``stamps`` (distinct).
    """
    recall, trials = rows["right"].mean(), rows["row"].nunique()
    low, high = binomial_interval(round(recall * trials), trials, confidence=confidence, method="wilson")
    by_split = rows.groupby("seed")["right"].mean()
    return {
        "recall": recall,
        "low": low,
        "high": high,
        "std": by_split.std(),
        "splits": len(by_split),
        "stamps": trials,
    }


def recall_cells(
    recalls: pd.DataFrame, *, by: Sequence[str], heads: Callable[[Mapping[Any, Any]], Mapping[str, str]]
) -> pd.DataFrame:
    """Cells of a table with a line per group of stamps, a column per model: recall and interval.

    Parameters
    ----------
    recalls
        A line per group and model: columns ``survey``, `by`, ``method``, ``shots`` and those of
        `pooled_recall`.
    by
        Columns that make a group.
    heads
        Cells that name a group, under their headings, from a line of `recalls`. The survey comes before them,
        the number of stamps after.
    """
    rows: dict[tuple[Any, ...], dict[str, str]] = {}
    for line in recalls.to_dict("records"):
        row = rows.setdefault(
            tuple(line[name] for name in by),
            {"tested on": line["survey"], **heads(line), "stamps": str(line["stamps"])},
        )
        row[trained_name(line["method"], line["shots"])] = (
            f"{line['recall']:.3f} ({line['low']:.3f} to {line['high']:.3f})"
        )
    return pd.DataFrame(list(rows.values()))
