"""What each method makes of a target without any label of it, pair by pair."""

from collections.abc import Mapping, Sequence

import pandas as pd

from stampshift.config.experiment import BASELINE, Pair
from stampshift.tables.run_table import select_pair
from stampshift.tables.verdicts import Change
from stampshift.tables.wording import counted, pair_title, variant_name
from stampshift.tables.writing import DASH, Table, format_means, most_splits

LINE = ["source", "target", "method", "role"]


def zero_shots(runs: pd.DataFrame, *, pairs: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Balanced accuracy with 0 shots of the baseline and of what was adapted from it, by pair.

    Columns are ``source``, ``target``, ``method`` (the baseline first, then `names` in their order), ``role``
    (``"target"`` or ``"source"``: on which survey of the pair), ``mean`` and ``std`` (sample) over splits,
    ``difference`` and ``difference_std``, the same of the differences from the baseline split by split, and
    ``splits``. Raises `ContractError` if a method has no such run of a pair.
    """
    unlabelled, parts = runs[runs["shots"] == 0], []
    for pair in map(Pair.parse, pairs):
        chosen = select_pair(unlabelled, source=pair.source, target=pair.target, methods=names)
        # of a source of several surveys, not on each of these
        chosen = chosen[chosen["evaluated_on"].isin([pair.source, pair.target])]
        key = ["evaluated_on", "seed"]
        baseline = chosen[chosen["method"] == BASELINE].set_index(key)["balanced_accuracy"]
        beside = chosen.join(baseline.rename("baseline"), on=key)
        role = (beside["evaluated_on"] == pair.target).map({True: "target", False: "source"})
        difference = beside["balanced_accuracy"] - beside["baseline"]
        parts.append(beside.assign(target=pair.target, role=role, difference=difference))
    lines = pd.concat(parts, ignore_index=True)
    lines["method"] = pd.Categorical(lines["method"], [BASELINE, *names], ordered=True)
    numbers = lines.groupby(LINE, sort=False, observed=True).agg(
        mean=("balanced_accuracy", "mean"),
        std=("balanced_accuracy", "std"),
        difference=("difference", "mean"),
        difference_std=("difference", "std"),
        splits=("difference", "count"),
    )
    return numbers.reset_index().sort_values("method", kind="stable", ignore_index=True)


def zero_shot_table(
    runs: pd.DataFrame, *, pairs: Sequence[str], names: Sequence[str], variant_names: Mapping[str, str]
) -> Table:
    """Print the numbers of `zero_shots` on the target, a line per pair, then means and changes over pairs."""
    numbers = zero_shots(runs, pairs=pairs, names=names)
    texts = numbers.assign(text=format_means(numbers["mean"], numbers["std"]), pair=pair_names(numbers))
    on_target = texts[texts["role"] == "target"]
    grid = on_target.pivot(index="pair", columns="method", values="text").loc[list(map(pair_title, pairs))]
    means = numbers.pivot_table(index="role", columns="method", values="mean", observed=True)
    for role in ("target", "source"):
        grid.loc[f"mean, on the {role}"] = means.loc[role].map("{:.3f}".format)
        changes = numbers[numbers["role"] == role].groupby("method", observed=True)["difference"]
        grid.loc[f"change, on the {role}"] = {
            method: DASH if method == BASELINE else str(Change.over(each)) for method, each in changes
        }
    grid.columns = pd.Index([variant_name(str(name), variant_names) for name in grid.columns])
    cells = grid.astype(object).fillna(DASH).rename_axis("source to target").reset_index()
    caption = (
        "Balanced accuracy on the target's test part without any label of the target: the baseline, trained "
        "on the source alone, and what was adapted from it, mean ± sample standard deviation over "
        f"{most_splits(numbers)}; in the last lines means over {counted(len(pairs), 'pair')}, and how they "
        "differ from the baseline: in brackets the pairs in which a method is higher, and the p-value of "
        f"Wilcoxon's signed-rank test over the pairs, not corrected for the {2 * len(names)} tests."
    )
    return Table(numbers, cells, caption, "tab:zero-shots")


def pair_names(numbers: pd.DataFrame) -> list[str]:
    """Pairs in print, of lines with the columns ``source`` and ``target``."""
    return [
        pair_title(Pair(source, target))
        for source, target in zip(numbers["source"], numbers["target"], strict=True)
    ]
