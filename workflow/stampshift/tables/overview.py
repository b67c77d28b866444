"""The whole experiment in one table: every pair in a line, and the mean over pairs."""

from collections.abc import Iterator, Sequence

import pandas as pd

from stampshift.config.experiment import BASELINE, Pair
from stampshift.tables.summaries import summarise
from stampshift.tables.wording import counted, pair_title, trained_name
from stampshift.tables.writing import DASH, Table

# `summaries.EVALUATION` in the order of this table's columns
KEY = ["source", "target", "method", "shots", "evaluated_on"]


def overview_table(runs: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> Table:
    """Balanced accuracy before and after adaptation, a line per pair and one of the means over pairs.

    The numbers are of every number of shots; printed are the baseline on both surveys, every method on
    the target with the fewest and with the most shots, and on the source with the most.

    Parameters
    ----------
    runs
        The long table of runs.
    pairs
        ``"<source>-to-<target>"``, in the order of the lines.
    methods
        Methods of adaptation, in the order of their columns.
    """
    numbers = _numbers(runs, pairs=pairs, methods=methods)
    columns = dict(_columns(numbers, methods=methods))
    means = pd.DataFrame(columns).reindex(list(pairs))
    means.loc["mean"] = means.mean()
    cells = means.map(lambda value: DASH if pd.isna(value) else f"{value:.3f}")
    cells.index = cells.index.map(pair_title).rename("source to target")
    splits = counted(int(numbers["splits"].max()), "split")
    caption = (
        f"Balanced accuracy on test parts, mean over {splits}: the baseline, trained on the source, and what "
        "was adapted from it to the target with a number of labelled stamps per class (shots)."
    )
    return Table(numbers, cells.reset_index(), caption, "tab:overview")


def _numbers(runs: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Means over splits of each pair's adapted runs, and of its baseline on both of its surveys."""
    means = summarise(runs, by=KEY)
    parts = []
    for pair in pairs:
        source, target = Pair.parse(pair).source, Pair.parse(pair).target
        baseline = means[(means["method"] == BASELINE) & (means["source"] == source)]
        parts.append(baseline[baseline["evaluated_on"].isin([source, target])].assign(target=target))
        adapted = (means["source"] == source) & (means["target"] == target)
        parts.append(means[adapted & means["method"].isin(list(methods))])
    return pd.concat(parts, ignore_index=True)


def _columns(numbers: pd.DataFrame, *, methods: Sequence[str]) -> Iterator[tuple[str, pd.Series]]:
    """Printed columns: a heading, and a mean for each pair."""
    pair = (numbers["source"] + "-to-" + numbers["target"]).rename("pair")
    for where in ("source", "target"):
        here = numbers["evaluated_on"] == numbers[where]
        yield f"baseline, {where}", _column(numbers[here & (numbers["method"] == BASELINE)], pair)
    shots = numbers.loc[numbers["method"] != BASELINE, "shots"]
    shown = [("target", count) for count in sorted({shots.min(), shots.max()})] if len(shots) else []
    shown += [("source", shots.max())] if len(shots) else []
    for where, count in shown:
        for method in methods:
            chosen = (numbers["method"] == method) & (numbers["shots"] == count)
            chosen &= numbers["evaluated_on"] == numbers[where]
            yield f"{trained_name(method, count)}, {where}", _column(numbers[chosen], pair)


def _column(chosen: pd.DataFrame, pair: pd.Series) -> pd.Series:
    return chosen.set_index(pair[chosen.index])["mean"]
