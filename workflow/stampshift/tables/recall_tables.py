"""Which stamps a model knows: recall by the survey's own classes and by S/N, and the worst errors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.metrics.intervals import binomial_interval
from stampshift.metrics.metrics import THRESHOLD
from stampshift.stamps.file import LABEL_NAMES, REAL, Stamps
from stampshift.stamps.identifiers import rows_of
from stampshift.tables.predictions import MODEL
from stampshift.tables.wording import counted, pair_title, trained_name
from stampshift.tables.writing import DASH, Table, most_splits

NO_BIN = 0  # of stamps whose S/N is not a positive number
BIN = ["bin", "snr_low", "snr_median", "snr_high"]
FALSE_POSITIVE, MISSED_REAL = "false positive", "missed real"


def class_recalls(
    predictions: pd.DataFrame, *, stamps: Mapping[str, Stamps], confidence: float
) -> pd.DataFrame:
    """Share of every class's stamps that a model calls correctly, with a binomial interval.

    From predictions of `pool_predictions` and the stamps of their surveys, which hold the classes: columns
    ``survey``, ``label``, ``class``, ``method``, ``shots`` and those of `_pooled_recall`, the classes of
    reals first.
    """
    classes = pd.concat(
        pd.Series(stamps[str(survey)].classes[rows["row"]], index=rows.index)
        for survey, rows in predictions.groupby("survey", observed=True)
    )
    return _recalls(predictions.assign(**{"class": classes}), by=["class"], confidence=confidence)


def class_recall_table(recalls: pd.DataFrame, *, pair: str, confidence: float) -> Table:
    """Print the recalls of `class_recalls`, a line per survey and class, a column per model."""
    cells = _cells(recalls, by=["class", "label"])
    caption = (
        f"Recall of the surveys' own classes by models of {pair_title(pair)} on the test parts "
        f"of {most_splits(recalls)} together, with Wilson's {100 * confidence:g} per cent interval for the "
        "number of distinct stamps tested."
    )
    return Table(recalls, cells, caption, f"tab:classes:{pair}")


def snr_recalls(
    predictions: pd.DataFrame,
    *,
    stamps: Mapping[str, Stamps],
    ratios: Mapping[str, pd.DataFrame],
    bins: int,
    confidence: float,
) -> pd.DataFrame:
    """Share of the reals and of the bogus in every bin of S/N that a model calls correctly.

    A survey's bins are quantiles of its distinct test stamps, reals and bogus together, the same for all
    models; a stamp on an edge belongs to the bin below. Stamps whose S/N is negative, zero, infinite or
    unknown are a separate group, bin 0: they are neither fainter than a faint candidate nor as bright as
    the absolute value says.

    `ratios` holds the columns ``id`` and ``snr`` of every survey that has S/N, `stamps` its identifiers;
    other surveys are left out of the predictions of `pool_predictions`. The result has the columns
    ``survey``, ``label``, ``bin`` (from 1 upwards), ``snr_low``, ``snr_median`` and ``snr_high`` (smallest,
    median and largest S/N of the bin's test stamps; NaN for bin 0), ``method``, ``shots`` and those of
    `_pooled_recall`. Reals come first; a bin without a stamp of the label has no line.

    Raises `ContractError` if a test stamp has not just one ratio, or none of a survey has a positive S/N.
    """
    parts = []
    for survey, table in ratios.items():
        rows = predictions[predictions["survey"] == survey]
        tested = _binned(survey, rows["row"].unique(), ids=stamps[survey].ids, ratios=table, bins=bins)
        parts.append(rows.merge(tested, on="row", validate="many_to_one"))
    return _recalls(pd.concat(parts, ignore_index=True), by=BIN, confidence=confidence)


def snr_recall_table(recalls: pd.DataFrame, *, pair: str, confidence: float) -> Table:
    """Print the recalls of `snr_recalls`, a line per survey, label and bin, a column per model."""
    ratios = [
        DASH if number == NO_BIN else f"{low:.3g} to {high:.3g}"
        for number, low, high in recalls[["bin", "snr_low", "snr_high"]].itertuples(index=False)
    ]
    cells = _cells(recalls.assign(**{"S/N": ratios}), by=["label", "S/N", "bin"]).drop(columns="bin")
    caption = (
        f"Recall by signal-to-noise ratio of models of {pair_title(pair)} on the test parts of "
        f"{most_splits(recalls)} together, with Wilson's {100 * confidence:g} per cent interval for the "
        "number of distinct stamps tested. Bins are quantiles of the S/N of a survey's test stamps, reals "
        "and bogus together; a dash stands for stamps whose S/N is negative, zero or unknown. Surveys whose "
        "archive gives no S/N are left out."
    )
    return Table(recalls, cells, caption, f"tab:snr:{pair}")


def worst_errors(predictions: pd.DataFrame, *, stamps: Stamps, per_kind: int) -> pd.DataFrame:
    """The most confident false positives and missed reals among the test stamps of one survey.

    A stamp that is tested in several splits counts once, with the mean of its scores. From predictions of
    `pool_predictions`, of one method and number of shots (lines of other surveys are left out): columns
    ``kind`` (``"false positive"``, ``"missed real"``), ``row`` (of the stamps file), ``class``, ``id``,
    ``score`` and ``splits`` (in which the stamp is tested), the worst of each kind first, `per_kind` at most.
    """
    on_survey = predictions[predictions["survey"] == stamps.survey]
    scores = on_survey.groupby(["row", "label"])["score"].agg(score="mean", splits="count").reset_index()
    is_real, called_real = scores["label"] == REAL, scores["score"] > THRESHOLD
    parts = [
        scores[~is_real & called_real].nlargest(per_kind, "score").assign(kind=FALSE_POSITIVE),
        scores[is_real & ~called_real].nsmallest(per_kind, "score").assign(kind=MISSED_REAL),
    ]
    errors = pd.concat(parts, ignore_index=True)
    errors["class"], errors["id"] = stamps.classes[errors["row"]], stamps.ids[errors["row"]]
    return errors[["kind", "row", "class", "id", "score", "splits"]]


def _recalls(predictions: pd.DataFrame, *, by: Sequence[str], confidence: float) -> pd.DataFrame:
    """`_pooled_recall` of every group of stamps of a survey and label by every model, the reals first."""
    called = predictions.assign(
        # a score of just 0.5 says bogus
        right=(predictions["score"] > THRESHOLD) == (predictions["label"] == REAL),
        is_bogus=predictions["label"] != REAL,  # sorts the reals first
    )
    keys = ["survey", "is_bogus", "label", *by, *MODEL[1:]]
    lines = [
        dict(zip(keys, key, strict=True)) | _pooled_recall(rows, confidence=confidence)
        for key, rows in called.groupby(keys, observed=True, dropna=False)
    ]
    return pd.DataFrame(lines).drop(columns="is_bogus")


def _pooled_recall(rows: pd.DataFrame, *, confidence: float) -> dict[str, float]:
    """Recall of one group of stamps over the test parts of all splits together.

    ``low`` and ``high`` are Wilson's interval of the ``recall`` over as many trials as there are distinct
    ``stamps``: one that several splits test is no new evidence of its group. It says nothing of how much
    trainings differ; ``std``, the sample standard deviation over the ``splits`` that test the group, does
    (NaN for a single split).
    """
    recall, trials = rows["right"].mean(), rows["row"].nunique()
    low, high = binomial_interval(round(recall * trials), trials, confidence=confidence, method="wilson")
    by_split = rows.groupby("seed")["right"].mean()
    interval = {"recall": recall, "low": low, "high": high}
    return interval | {"std": by_split.std(), "splits": len(by_split), "stamps": trials}


def _cells(recalls: pd.DataFrame, *, by: Sequence[str]) -> pd.DataFrame:
    """Cells with a line per survey and group of stamps, a column per model: recall and interval."""
    rows = []
    groups: Any = recalls.groupby(["survey", *by], sort=False, observed=True)
    for (survey, *group), lines in groups:
        row = {"tested on": survey} | dict(zip(by, group, strict=True))
        row |= {"label": LABEL_NAMES[row["label"]], "stamps": str(lines["stamps"].iloc[0])}
        for line in lines.to_dict("records"):
            row[trained_name(line["method"], line["shots"])] = (
                f"{line['recall']:.3f} ({line['low']:.3f} to {line['high']:.3f})"
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _binned(
    survey: str, rows: NDArray[np.int64], *, ids: NDArray[np.str_], ratios: pd.DataFrame, bins: int
) -> pd.DataFrame:
    """Bin of every test stamp of one survey, and the bin's S/N."""
    lines = rows_of(
        ids[rows],
        among=ratios["id"],
        source=f"{survey}: the table of S/N",
        remedy="Delete the survey's files of stamps and of S/N; the workflow makes them from one archive.",
    )
    snr = ratios["snr"].to_numpy(np.float64)[lines]
    positive = np.isfinite(snr) & (snr > 0)
    if not positive.any():
        raise ContractError(
            f"{survey}: expected positive S/N, found none among {counted(len(snr), 'test stamp')}. Switch "
            "off recall by S/N with diagnostics.snr_bins: null."
        )
    inner_edges = np.quantile(snr[positive], np.linspace(0, 1, bins + 1)[1:-1])
    number = np.where(positive, 1 + np.searchsorted(inner_edges, snr), NO_BIN)
    of_bin = pd.Series(np.where(positive, snr, np.nan)).groupby(number)
    low, median, high = (of_bin.transform(name) for name in ("min", "median", "max"))
    return pd.DataFrame(dict(zip(["row", *BIN], [rows, number, low, median, high], strict=True)))
