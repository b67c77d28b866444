"""Tables of balanced accuracy over splits, beside the tables of the study that they reproduce."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stampshift.config.experiment import BASELINE, Pair
from stampshift.tables.summaries import mean_validation, select_pair, summarise
from stampshift.tables.wording import THESIS, counted, method_name
from stampshift.tables.writing import DASH, Table, format_mean

SPREAD = "mean ± sample standard deviation over {splits}"


def baseline_table(runs: pd.DataFrame, *, surveys: Sequence[str], published: pd.DataFrame) -> Table:
    """Balanced accuracy of every baseline (row: source) on every survey (column), as Table 1 of the thesis.

    Parameters
    ----------
    runs
        The long table of runs.
    surveys
        Order of rows and columns; a survey that is no source has no row.
    published
        The published numbers, with columns ``source``, ``target``, ``method`` and ``thesis_table``.
    """
    numbers = summarise(runs[runs["method"] == BASELINE], by=("source", "target"))
    cells = _grid(numbers, row="source", column="target").reindex(columns=pd.Index(surveys))
    # a column without a number is not of strings
    cells = cells.loc[[name for name in surveys if name in cells.index]].astype(object).fillna(DASH)
    same = published[published["source"].isin(list(surveys)) & published["target"].isin(list(surveys))]
    caption = (
        "Balanced accuracy of models trained on one survey (row) and tested on another (column), "
        f"{SPREAD.format(splits=_splits(numbers))}. {_beside(same[same['method'] == BASELINE])}"
    )
    cells = cells.rename_axis(index="source", columns=None).reset_index()
    return Table(numbers, cells, caption, "tab:baseline")


def pair_table(runs: pd.DataFrame, *, pair: str, methods: Sequence[str], published: pd.DataFrame) -> Table:
    """Balanced accuracy by shots of every method on the source and on the target, the baseline first.

    Parameters
    ----------
    runs
        The long table of runs.
    pair
        ``"<source>-to-<target>"``.
    methods
        Methods of adaptation, in the order of their columns.
    published
        The published numbers, with columns ``source``, ``target``, ``method`` and ``thesis_table``.

    Raises
    ------
    ContractError
        If the runs do not hold the pair, adapted and as a baseline.
    """
    source, target = Pair.parse(pair).source, Pair.parse(pair).target
    chosen = select_pair(runs, source=source, target=target, methods=methods)
    numbers = summarise(chosen, by=("evaluated_on", "method", "shots")).assign(source=source, target=target)
    columns = {}
    for survey in (source, target):
        for method in methods:
            part = numbers[(numbers["evaluated_on"] == survey) & numbers["method"].isin([BASELINE, method])]
            texts = [format_mean(mean, std) for mean, std in zip(part["mean"], part["std"], strict=True)]
            columns[f"{method_name(method)}, on {survey}"] = pd.Series(texts, index=part["shots"])
    cells = pd.DataFrame(columns).sort_index().fillna(DASH).rename_axis("shots").reset_index()
    cells["shots"] = [str(shots) if shots else "0 (baseline)" for shots in cells["shots"]]
    same_pair = published[(published["source"] == source) & (published["target"] == target)]
    caption = (
        f"Balanced accuracy of models moved from {source} to {target} with a number of labelled stamps "
        f"of {target} per class (shots), {SPREAD.format(splits=_splits(numbers))}. "
        f"{_beside(same_pair[same_pair['method'] != BASELINE])}"
    )
    order = ["source", "target", "evaluated_on", "method", "shots", "mean", "std", "splits"]
    return Table(numbers[order], cells, caption, f"tab:{pair}")


def lambda_table(searches: Sequence[Mapping[str, Any]], *, published: pd.DataFrame) -> Table:
    """List the entropy weight chosen for every pair, and the validation accuracy that each weight reached.

    Parameters
    ----------
    searches
        Contents of the ``lambda/<pair>.json`` files.
    published
        Columns ``source``, ``target`` and ``lambda``: the thesis' choices.
    """
    choices = published.set_index(["source", "target"])["lambda"].to_dict()
    numbers, rows = [], []
    for search in searches:
        key = (search["source"], search["target"])
        means = mean_validation(search)
        head = {
            "source": key[0],
            "target": key[1],
            "chosen": search["chosen"],
            "published": choices.get(key, np.nan),
        }
        numbers += [
            head | {"entropy_weight": weight, "validation_balanced_accuracy": mean}
            for weight, mean in (means.items() if len(means) else [(search["chosen"], np.nan)])
        ]
        printed = {name: value if isinstance(value, str) else _weight(value) for name, value in head.items()}
        rows.append(printed | {f"λ = {weight:g}": f"{mean:.3f}" for weight, mean in means.items()})
    caption = (
        "Entropy weight λ chosen for each pair, the choice of "
        f"{THESIS}, and the balanced accuracy on the target's validation stamps, mean over numbers of shots, "
        "that each λ reached."
    )
    cells = pd.DataFrame(rows).fillna(DASH)
    return Table(pd.DataFrame(numbers), cells, caption, "tab:lambda")


def _grid(numbers: pd.DataFrame, *, row: str, column: str) -> pd.DataFrame:
    texts = [format_mean(mean, std) for mean, std in zip(numbers["mean"], numbers["std"], strict=True)]
    return numbers.assign(text=texts).pivot(index=row, columns=column, values="text")


def _splits(numbers: pd.DataFrame) -> str:
    counts = sorted(set(numbers["splits"]))
    return counted(counts[0], "split") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} splits"


def _beside(published: pd.DataFrame) -> str:
    """Name the published tables that hold the same numbers, if any."""
    tables = sorted(set(published["thesis_table"]))
    if not tables:
        return ""
    plural = "Tables" if len(tables) > 1 else "Table"
    return f"Published: {plural} {' and '.join(map(str, tables))} of {THESIS}."


def _weight(value: float) -> str:
    return DASH if np.isnan(value) else f"{value:g}"
