"""Means and spreads over splits, and the runs that belong together.

Spreads are sample standard deviations (n - 1 in the denominator); a single split has none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.api.typing import SeriesGroupBy

from stampshift.config.experiment import BASELINE
from stampshift.core.errors import ContractError

# one model, trained once per split, on one survey
EVALUATION = ["method", "source", "target", "shots", "evaluated_on"]


def summarise(runs: pd.DataFrame, *, by: Sequence[str]) -> pd.DataFrame:
    """Mean, sample standard deviation and number of splits of the balanced accuracy, by some columns.

    Parameters
    ----------
    runs
        The long table of runs.
    by
        Columns that make a group; groups come in the order in which they first appear.

    Returns
    -------
    pandas.DataFrame
        The columns `by`, then ``mean``, ``std`` (NaN for a single split) and ``splits``.
    """
    groups = runs.groupby(list(by), sort=False, observed=True)["balanced_accuracy"]
    # the "std" of pandas divides by n - 1
    return groups.agg(mean="mean", std="std", splits="count").reset_index()


def spread(values: SeriesGroupBy) -> pd.DataFrame:
    """Describe values over splits, by group: ``mean``, ``std`` (sample), ``low``, ``high``, ``splits``."""
    numbers = values.agg(["mean", "std", "min", "max", "count"])
    return numbers.rename(columns={"min": "low", "max": "high", "count": "splits"})


def select_pair(runs: pd.DataFrame, *, source: str, target: str, methods: Sequence[str]) -> pd.DataFrame:
    """Lines of one pair: adapted runs of some methods, and the baseline on the source and on the target.

    Raises
    ------
    ContractError
        If a method or the baseline has no line.
    """
    adapted = (runs["source"] == source) & (runs["target"] == target) & runs["method"].isin(list(methods))
    baseline = (runs["source"] == source) & (runs["method"] == BASELINE)
    chosen = runs[adapted | (baseline & runs["evaluated_on"].isin([source, target]))]
    found = set(chosen.groupby(["method", "evaluated_on"]).groups)
    absent = [
        f"{method} on {survey}"
        for method in (BASELINE, *methods)
        for survey in (source, target)
        if (method, survey) not in found
    ]
    if absent:
        raise ContractError(
            f"runs table: expected runs of {source}-to-{target} of every method, found none of "
            f"{', '.join(absent)}. Add the pair to 'pairs' and the method to 'methods' in the config."
        )
    return chosen


def mean_validation(search: Mapping[str, Any]) -> pd.Series:
    """Average the validation balanced accuracy of each entropy weight over numbers of shots.

    Parameters
    ----------
    search
        Content of a ``lambda/<pair>.json`` file; its ``search`` is empty where the weight was not searched.

    Returns
    -------
    pandas.Series
        Indexed by entropy weight, ascending.
    """
    trials = pd.DataFrame(
        list(search["search"]), columns=["entropy_weight", "shots", "validation_balanced_accuracy"]
    )
    return trials.groupby("entropy_weight")["validation_balanced_accuracy"].mean()
