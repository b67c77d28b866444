"""Changes of balanced accuracy, run by run: variants against a method, adapted models against the baseline.

Runs are paired by split, for a split has the same parts for every method.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from stampshift.config.experiment import BASELINE, Pair
from stampshift.core.errors import ContractError
from stampshift.tables.run_table import select_pair, spread
from stampshift.tables.wording import counted, method_name, variant_name
from stampshift.tables.writing import DASH, Table, format_means

PAIRED_BY = ["source", "target", "shots", "seed", "role"]
ROLES = ("target", "source")
ADAPTED = ["source", "target", "method", "shots"]


def compare_variants(runs: pd.DataFrame, *, names: Sequence[str], reference: str) -> pd.DataFrame:
    """Every run of some methods and variants beside the paired run of a reference, which is one of them.

    Columns are ``method``, ``source``, ``target``, ``shots``, ``seed``, ``role`` (``"target"`` or
    ``"source"``: on which survey of its pair the run was evaluated), ``balanced_accuracy`` and ``difference``
    from the reference. The baseline, which knows no shots, comes first, at every number of shots; then
    `names`, in their order. Raises `ContractError` if a method or the baseline lacks a run that the reference
    has; with 0 shots it may lack them all.
    """
    on_either = (runs["evaluated_on"] == runs["source"]) | (runs["evaluated_on"] == runs["target"])
    adapted = runs[on_either & runs["method"].isin(list(names))]
    on_target = adapted["evaluated_on"] == adapted["target"]
    adapted = adapted.assign(role=on_target.map({True: "target", False: "source"}))
    columns = ["method", *PAIRED_BY, "balanced_accuracy"]
    baseline = runs.loc[runs["method"] == BASELINE, ["source", "evaluated_on", "seed", "balanced_accuracy"]]
    beside = adapted.loc[adapted["method"] == reference, [*PAIRED_BY, "evaluated_on", "balanced_accuracy"]]
    beside = beside.rename(columns={"balanced_accuracy": "reference"})
    unadapted = beside.merge(baseline, on=["source", "evaluated_on", "seed"]).assign(method=BASELINE)
    paired = adapted[columns].merge(beside, on=PAIRED_BY, validate="many_to_one")
    paired = pd.concat([unadapted, paired], ignore_index=True)
    for name in (BASELINE, *names):
        own = paired.loc[paired["method"] == name, "shots"]
        # a method that trains on labels of the target has no runs with 0 shots
        expected = len(beside) if 0 in set(own) else int((beside["shots"] > 0).sum())
        if not expected or len(own) != expected:
            raise ContractError(
                f"runs table: expected {expected} evaluations of {name}, as there are of {reference}, "
                f"found {len(own)}. Make it again: snakemake --force gather"
            )
    paired["difference"] = paired["balanced_accuracy"] - paired["reference"]
    paired["method"] = pd.Categorical(paired["method"], [BASELINE, *names], ordered=True)
    return paired.sort_values("method", kind="stable", ignore_index=True)[[*columns, "difference"]]


def ablation_table(
    runs: pd.DataFrame, *, names: Sequence[str], variant_names: Mapping[str, str], reference: str
) -> Table:
    """Balanced accuracy of variants on target and source by shots, over all splits and pairs.

    Printed are means and sample standard deviations, a line per method or variant of `names`; the numbers
    also hold those of the paired differences from the reference, which the differences between pairs do not
    blur. `variant_names` are the variants' names in print.
    """
    paired = compare_variants(runs, names=names, reference=reference)
    numbers = paired.groupby(["method", "role", "shots"], sort=True, observed=True).agg(
        mean=("balanced_accuracy", "mean"),
        std=("balanced_accuracy", "std"),
        difference=("difference", "mean"),
        difference_std=("difference", "std"),
        runs=("difference", "count"),
    )
    grid = numbers.assign(text=format_means(numbers["mean"], numbers["std"]))["text"].unstack(
        ["role", "shots"]
    )
    grid = grid.astype(object).fillna(DASH)
    cells = {"model": [variant_name(str(name), variant_names) for name in grid.index]} | {
        f"on {role}, {counted(count, 'shot')}": grid[role, count].tolist()
        for role in ROLES
        for count in sorted(set(paired["shots"]))
    }
    pairs = counted(len(paired[["source", "target"]].drop_duplicates()), "pair")
    splits = counted(paired["seed"].nunique(), "split")
    caption = (
        f"Balanced accuracy of variants of {method_name(reference)} and of what they are compared with, by "
        "labelled target stamps per class (shots): mean ± sample standard deviation over "
        f"{splits} of {pairs}. The baseline knows no shots: its numbers repeat."
    )
    return Table(numbers.reset_index(), pd.DataFrame(cells), caption, "tab:ablations")


def retention(runs: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Source accuracy lost and target accuracy won by adaptation, means over splits.

    Columns are ``source``, ``target``, ``method``, ``shots``; ``lost``, the baseline less the adapted model
    on the source, and ``won``, the adapted model less the baseline on the target; ``lost_std`` and
    ``won_std`` (sample); ``splits``.
    """
    parts = []
    for pair in map(Pair.parse, pairs):
        chosen = select_pair(runs, source=pair.source, target=pair.target, methods=methods)
        key = ["evaluated_on", "seed"]
        before = chosen[chosen["method"] == BASELINE].set_index(key)["balanced_accuracy"].rename("before")
        change = chosen[chosen["method"] != BASELINE].join(before, on=key)
        parts.append(change.assign(change=change["balanced_accuracy"] - change["before"]))
    changes = pd.concat(parts, ignore_index=True)
    lost, won = (
        spread(changes[changes["evaluated_on"] == changes[role]].groupby(ADAPTED, sort=False)["change"])
        for role in ("source", "target")
    )
    table = {"lost": -lost["mean"], "won": won["mean"], "lost_std": lost["std"], "won_std": won["std"]}
    return pd.DataFrame(table | {"splits": won["splits"]}).reset_index()
