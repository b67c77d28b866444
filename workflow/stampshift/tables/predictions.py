"""Predictions of several runs in one table: what every diagnostic starts from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.training.run_folder import PREDICTION_COLUMNS, read_predictions

RUN = ["method", "shots", "seed"]
MODEL = ["survey", "method", "shots"]  # one classifier, trained once per split, on one survey


def pool_predictions(
    paths: Sequence[Path | str], *, runs: Sequence[Mapping[str, Any]], surveys: Sequence[str]
) -> pd.DataFrame:
    """Read ``predictions.parquet`` of some runs into one table: a line per run and test stamp.

    Of the runs, ``method``, ``shots`` and ``seed`` are read. Surveys are those that may occur, any other is
    refused. Columns are ``method`` (categorical in the order of `runs`), ``shots``, ``seed``, ``survey``
    (categorical in the order of `surveys`), ``row`` (of the survey's stamps file), ``label`` and ``score``.
    Grouping by `MODEL` gives the order of print.
    """
    tables = [
        _read(Path(path), surveys=surveys).assign(**{name: run[name] for name in RUN})
        for path, run in zip(paths, runs, strict=True)
    ]
    methods = list(dict.fromkeys(run["method"] for run in runs))
    pooled = pd.concat(tables, ignore_index=True)
    pooled["method"] = pd.Categorical(pooled["method"], categories=methods, ordered=True)
    pooled["survey"] = pd.Categorical(pooled["survey"], categories=list(surveys), ordered=True)
    return pooled[[*RUN, *PREDICTION_COLUMNS]]


def models(table: pd.DataFrame) -> list[tuple[str, int]]:
    """Methods and shots in a table, in the order in which they first appear."""
    pairs = table[["method", "shots"]].drop_duplicates()
    return [(str(method), int(shots)) for method, shots in zip(pairs["method"], pairs["shots"], strict=True)]


def of_model(table: pd.DataFrame, *, survey: str, method: str, shots: int) -> pd.DataFrame:
    """Lines of one model on one survey."""
    chosen = (table["method"] == method) & (table["shots"] == shots) & (table["survey"] == survey)
    return table[chosen]


def _read(path: Path, *, surveys: Sequence[str]) -> pd.DataFrame:
    table = read_predictions(path.parent)
    others = set(table["survey"].unique()) - set(surveys)
    if others:
        raise ContractError(
            f"{path}: expected predictions of {' and '.join(surveys)}, found {', '.join(sorted(others))}. "
            f"Delete the folder {path.parent}; the workflow makes it again."
        )
    return table
