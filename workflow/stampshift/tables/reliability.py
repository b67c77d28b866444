"""Reliability of a pair's models before and after temperature scaling, over splits."""

import pandas as pd

from stampshift.metrics.calibration import calibration_quantities, reliability
from stampshift.tables.predictions import MODEL
from stampshift.tables.quantities import quantity_cells
from stampshift.tables.summaries import spread
from stampshift.tables.wording import counted, pair_title
from stampshift.tables.writing import Table

SCORES = {"before": "score", "after": "scaled"}  # scaling, column of the predictions


def reliability_curves(predictions: pd.DataFrame, *, bins: int) -> pd.DataFrame:
    """Share of reals by score of every model, test parts of all splits together, before and after scaling.

    Parameters
    ----------
    predictions
        Of `add_scaled`.
    bins
        As for `reliability`, whose columns follow ``survey``, ``method``, ``shots`` and ``scaling``.
    """
    parts = []
    for key, rows in predictions.groupby(MODEL, observed=True):
        for scaling, column in SCORES.items():
            table = reliability(rows["label"], rows[column], bins=bins)
            model = dict(zip(MODEL, key, strict=True)) | {"scaling": scaling}
            parts.append(pd.DataFrame(model | {name: table[name] for name in table}))
    return pd.concat(parts, ignore_index=True)


def calibration_numbers(predictions: pd.DataFrame, *, bins: int) -> pd.DataFrame:
    """Calibration error, Brier score and likelihood of every model, before and after scaling, over splits.

    Parameters
    ----------
    predictions
        Of `add_scaled`.
    bins
        As for `reliability`.

    Returns
    -------
    pandas.DataFrame
        Columns ``survey``, ``method``, ``shots``, ``quantity``, then ``mean``, ``std`` (sample), ``low``,
        ``high`` (the extremes) and ``splits``.
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
    """Print the numbers of `calibration_numbers`, a line per survey and model.

    Parameters
    ----------
    numbers
        Of `calibration_numbers`.
    pair
        ``"<source>-to-<target>"``.
    """
    splits = counted(int(numbers["splits"].max()), "split")
    caption = (
        f"Calibration of the scores of models of {pair_title(pair)} on test parts, before and "
        f"after temperature scaling, mean ± sample standard deviation over {splits}: expected calibration "
        "error (ECE), Brier score and negative log-likelihood (NLL). Each split's temperature was fitted on "
        "the validation stamps of the same split, the source's for the baseline and the target's shots "
        "for the adapted models; a temperature of 1 leaves scores as they are."
    )
    cells = quantity_cells(numbers)
    return Table(numbers, cells, caption, f"tab:calibration:{pair}")
