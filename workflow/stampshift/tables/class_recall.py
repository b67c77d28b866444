"""Recall by the survey's own classes: which kinds of stamps a model knows, and which it learns."""

from collections.abc import Mapping

import pandas as pd

from stampshift.stamps.file import LABEL_NAMES, REAL, Stamps
from stampshift.tables.predictions import MODEL
from stampshift.tables.recall import pooled_recall, recall_cells, rightly_called
from stampshift.tables.wording import counted, pair_title
from stampshift.tables.writing import Table


def class_recalls(
    predictions: pd.DataFrame, *, stamps: Mapping[str, Stamps], confidence: float
) -> pd.DataFrame:
    """Share of every class's stamps that a model calls rightly, with a binomial interval.

    The recall and its interval are those of `pooled_recall`.

    Parameters
    ----------
    predictions
        Of `pool_predictions`.
    stamps
        Stamps of every survey in it, which hold the classes.
    confidence
        Of the interval, a share.

    Returns
    -------
    pandas.DataFrame
        Columns ``survey``, ``label``, ``class``, ``method``, ``shots`` and those of `pooled_recall`. The
        classes of reals come first.
    """
    # sorts the reals first
    called = predictions.assign(right=rightly_called(predictions), is_bogus=predictions["label"] != REAL)
    called["class"] = pd.concat(
        pd.Series(stamps[str(survey)].classes[rows["row"]], index=rows.index)
        for survey, rows in predictions.groupby("survey", observed=True)
    )
    lines = []
    for key, rows in called.groupby(["survey", "is_bogus", "label", "class", *MODEL[1:]], observed=True):
        lines.append(
            dict(zip(["survey", "is_bogus", "label", "class", *MODEL[1:]], key, strict=True))
            | pooled_recall(rows, confidence=confidence)
        )
    return pd.DataFrame(lines).drop(columns="is_bogus")


def class_recall_table(recalls: pd.DataFrame, *, pair: str, confidence: float) -> Table:
    """Print the recalls of `class_recalls`, a line per survey and class, a column per model.

    Parameters
    ----------
    recalls
        Of `class_recalls`.
    pair
        ``"<source>-to-<target>"``.
    confidence
        Of the intervals, a share.
    """
    cells = recall_cells(
        recalls,
        by=["survey", "class"],
        heads=lambda line: {"class": line["class"], "label": LABEL_NAMES[line["label"]]},
    )
    splits = counted(int(recalls["splits"].max()), "split")
    caption = (
        f"Recall of the surveys' own classes by models of {pair_title(pair)} on the test parts "
        f"of {splits} together, with Wilson's {100 * confidence:g} per cent interval for the number of "
        "distinct stamps tested."
    )
    return Table(recalls, cells, caption, f"tab:classes:{pair}")
