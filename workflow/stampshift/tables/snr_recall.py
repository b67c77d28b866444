"""Recall by signal-to-noise ratio: whether a model loses the faint candidates or the bright ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.stamps.file import LABEL_NAMES, REAL, Stamps
from stampshift.stamps.identifiers import rows_of
from stampshift.tables.predictions import MODEL
from stampshift.tables.recall import pooled_recall, recall_cells, rightly_called
from stampshift.tables.wording import counted, pair_title
from stampshift.tables.writing import DASH, Table

NO_BIN = 0  # of stamps whose S/N is not a positive number
BIN = ["bin", "snr_low", "snr_median", "snr_high"]


def snr_recalls(
    predictions: pd.DataFrame,
    *,
    stamps: Mapping[str, Stamps],
    ratios: Mapping[str, pd.DataFrame],
    bins: int,
    confidence: float,
) -> pd.DataFrame:
    """Share of the reals and of the bogus in every bin of S/N that a model calls rightly.

    A survey's bins are quantiles of its distinct test stamps, reals and bogus together, the same for all
    models; a stamp on an edge belongs to the bin below. Stamps whose S/N is negative, zero, infinite or
    unknown make a group of their own, bin 0: they are neither fainter than a faint candidate nor as bright as
    the absolute value says. The recall and its interval are those of `pooled_recall`.

    Parameters
    ----------
    predictions
        Of `pool_predictions`; surveys that `ratios` does not hold are left out.
    stamps
        Stamps of every survey in `ratios`, which hold the identifiers.
    ratios
        S/N of every survey that has it: columns ``id`` and ``snr``.
    bins
        Number of bins.
    confidence
        Of the interval, a share.

    Returns
    -------
    pandas.DataFrame
        Columns ``survey``, ``label``, ``bin`` (from 1 upwards), ``snr_low``, ``snr_median`` and ``snr_high``
        (smallest, median and largest S/N of the bin's test stamps; NaN for bin 0), ``method``, ``shots`` and
        those of `pooled_recall`. Reals come first; a bin without a stamp of the label has no line.

    Raises
    ------
    ContractError
        If a test stamp has not just one ratio, or no test stamp of a survey has a positive S/N.
    """
    called = predictions[predictions["survey"].isin(list(ratios))]
    tested = pd.concat(
        _binned(str(survey), rows["row"].unique(), stamps=stamps, ratios=ratios, bins=bins)
        for survey, rows in called.groupby("survey", observed=True)
    )
    called = called.assign(
        right=rightly_called(called),
        is_bogus=called["label"] != REAL,  # sorts the reals first
        survey_name=called["survey"].astype(str),
    ).merge(tested, on=["survey_name", "row"], validate="many_to_one")
    keys = ["survey", "is_bogus", "label", *BIN, *MODEL[1:]]
    lines = [
        dict(zip(keys, key, strict=True)) | pooled_recall(rows, confidence=confidence)
        for key, rows in called.groupby(keys, observed=True, dropna=False)
    ]
    return pd.DataFrame(lines).drop(columns="is_bogus")


def _binned(
    survey: str,
    rows: np.ndarray,
    *,
    stamps: Mapping[str, Stamps],
    ratios: Mapping[str, pd.DataFrame],
    bins: int,
) -> pd.DataFrame:
    """Bin of every test stamp of one survey, and the bin's S/N."""
    lines = rows_of(
        stamps[survey].ids[rows],
        among=ratios[survey]["id"],
        source=f"{survey}: the table of S/N",
        remedy="Delete the survey's files of stamps and of S/N; the workflow makes them from one archive.",
    )
    snr = ratios[survey]["snr"].to_numpy(np.float64)[lines]
    positive = np.isfinite(snr) & (snr > 0)
    if not positive.any():
        raise ContractError(
            f"{survey}: expected positive S/N, found none among {counted(len(snr), 'test stamp')}. Do "
            "without recall by S/N: diagnostics.snr_bins: null."
        )
    inner_edges = np.quantile(snr[positive], np.linspace(0, 1, bins + 1)[1:-1])
    number = np.where(positive, 1 + np.searchsorted(inner_edges, snr), NO_BIN)
    tested = pd.DataFrame({"survey_name": survey, "row": rows, "bin": number})
    of_bin = pd.Series(np.where(positive, snr, np.nan)).groupby(number)
    return tested.assign(
        snr_low=of_bin.transform("min"),
        snr_median=of_bin.transform("median"),
        snr_high=of_bin.transform("max"),
    )


def snr_recall_table(recalls: pd.DataFrame, *, pair: str, confidence: float) -> Table:
    """Print the recalls of `snr_recalls`, a line per survey, label and bin, a column per model.

    Parameters
    ----------
    recalls
        Of `snr_recalls`.
    pair
        ``"<source>-to-<target>"``.
    confidence
        Of the intervals, a share.
    """
    cells = recall_cells(
        recalls,
        by=["survey", "label", "bin"],
        heads=lambda line: {"label": LABEL_NAMES[line["label"]], "S/N": _range(line)},
    )
    splits = counted(int(recalls["splits"].max()), "split")
    caption = (
        f"Recall by signal-to-noise ratio of models of {pair_title(pair)} on the test parts of "
        f"{splits} together, with Wilson's {100 * confidence:g} per cent interval for the number of distinct "
        "stamps tested. Bins are quantiles of the S/N of a survey's test stamps, reals and bogus together; a "
        "dash stands for stamps whose S/N is negative, zero or unknown. Surveys whose archive gives no S/N "
        "are left out."
    )
    return Table(recalls, cells, caption, f"tab:snr:{pair}")


def _range(line: Mapping[Any, Any]) -> str:
    return DASH if line["bin"] == NO_BIN else f"{line['snr_low']:.3g} to {line['snr_high']:.3g}"
