"""Tables of balanced accuracy over splits, beside the tables of the study that they reproduce."""

from collections.abc import Sequence

import pandas as pd

from stampshift.config.experiment import BASELINE, Pair
from stampshift.tables.run_table import select_pair, summarise
from stampshift.tables.wording import THESIS, counted, method_name
from stampshift.tables.writing import DASH, Table, format_means

BASELINE_LINE = -1  # sorted before 0 shots, adaptation without labels
SPREAD = "mean ± sample standard deviation over {splits}"


def baseline_table(runs: pd.DataFrame, *, surveys: Sequence[str], published: pd.DataFrame) -> Table:
    """Balanced accuracy of every baseline (row: source) on every survey (column), as Table 1 of the thesis.

    Rows and columns are in the order of `surveys`; a survey that is no source has no row. The published
    numbers have the columns ``source``, ``target``, ``method`` and ``thesis_table``.
    """
    known = (runs["method"] == BASELINE) & runs["source"].isin(list(surveys))
    numbers = summarise(runs[known], by=("source", "target"))
    texts = numbers.assign(text=format_means(numbers["mean"], numbers["std"]))
    cells = texts.pivot(index="source", columns="target", values="text").reindex(columns=pd.Index(surveys))
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

    Of a source of several surveys it is on each of them too; on the source is the mean over them.

    The published numbers are those of `baseline_table`. Raises `ContractError` if the runs do not hold the
    pair, adapted and as a baseline.
    """
    source, target = Pair.parse(pair).source, Pair.parse(pair).target
    chosen = select_pair(runs, source=source, target=target, methods=methods)
    numbers = summarise(chosen, by=("evaluated_on", "method", "shots")).assign(source=source, target=target)
    line = numbers["shots"].where(numbers["method"] != BASELINE, BASELINE_LINE)
    columns = {}
    of_source = numbers.loc[numbers["evaluated_on"] != target, "evaluated_on"]
    for survey in (*dict.fromkeys([source, *of_source]), target):
        for method in methods:
            part = numbers[(numbers["evaluated_on"] == survey) & numbers["method"].isin([BASELINE, method])]
            columns[f"{method_name(method)}, on {survey}"] = pd.Series(
                format_means(part["mean"], part["std"]), index=line[part.index]
            )
    cells = pd.DataFrame(columns).sort_index().fillna(DASH).rename_axis("shots").reset_index()
    cells["shots"] = ["0 (baseline)" if shots == BASELINE_LINE else str(shots) for shots in cells["shots"]]
    same_pair = published[(published["source"] == source) & (published["target"] == target)]
    caption = (
        f"Balanced accuracy of models moved from {source} to {target} with a number of labelled stamps "
        f"of {target} per class (shots), {SPREAD.format(splits=_splits(numbers))}. "
        f"{_beside(same_pair[same_pair['method'] != BASELINE])}"
    )
    order = ["source", "target", "evaluated_on", "method", "shots", "mean", "std", "splits"]
    return Table(numbers[order], cells, caption, f"tab:{pair}")


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
