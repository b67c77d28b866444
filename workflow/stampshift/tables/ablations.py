"""Ablations: variants of a method beside it, on the same pairs, shots and splits."""

from collections.abc import Mapping, Sequence

import pandas as pd

from stampshift.config.experiment import BASELINE
from stampshift.core.errors import ContractError
from stampshift.tables.wording import counted, method_name, variant_name
from stampshift.tables.writing import Table, format_mean

PAIRED_BY = ["source", "target", "shots", "seed", "role"]
ROLES = ("target", "source")


def compare_variants(runs: pd.DataFrame, *, names: Sequence[str], reference: str) -> pd.DataFrame:
    """Every run of some methods and variants beside the run of a reference that it is paired with.

    Parameters
    ----------
    runs
        The long table of runs.
    names
        Methods and variants, the reference among them.
    reference
        Method that the others are compared with.

    Returns
    -------
    pandas.DataFrame
        Columns ``method``, ``source``, ``target``, ``shots``, ``seed``, ``role`` (``"target"`` or
        ``"source"``: on which survey of its pair the run was evaluated), ``balanced_accuracy`` and
        ``difference`` from the reference. The baseline, which knows no shots, comes first, at every number
        of shots; then `names`, in their order.

    Raises
    ------
    ContractError
        If a method or the baseline lacks a run that the reference has.
    """
    adapted = runs[runs["method"].isin(list(names))]
    on_target = adapted["evaluated_on"] == adapted["target"]
    adapted = adapted.assign(role=on_target.map({True: "target", False: "source"}))
    places = adapted.loc[adapted["method"] == reference, [*PAIRED_BY, "evaluated_on"]]
    baseline = runs.loc[runs["method"] == BASELINE, ["source", "evaluated_on", "seed", "balanced_accuracy"]]
    unadapted = places.merge(baseline, on=["source", "evaluated_on", "seed"]).assign(method=BASELINE)
    columns = ["method", *PAIRED_BY, "balanced_accuracy"]
    everything = pd.concat([unadapted[columns], adapted[columns]], ignore_index=True)
    beside = everything.loc[everything["method"] == reference, [*PAIRED_BY, "balanced_accuracy"]]
    paired = everything.merge(beside, on=PAIRED_BY, suffixes=("", "_reference"), validate="many_to_one")
    for name in (BASELINE, *names):
        found = int((paired["method"] == name).sum())
        if not found or found != len(places):
            raise ContractError(
                f"runs table: expected {len(places)} evaluations of {name}, as there are of {reference}, "
                f"found {found}. Make it again: snakemake --force gather"
            )
    difference = paired["balanced_accuracy"] - paired["balanced_accuracy_reference"]
    order = pd.CategoricalDtype([BASELINE, *names], ordered=True)
    paired = paired.assign(difference=difference, method=paired["method"].astype(order))
    return paired.sort_values("method", kind="stable", ignore_index=True)[[*columns, "difference"]]


def ablation_table(
    runs: pd.DataFrame, *, names: Sequence[str], variant_names: Mapping[str, str], reference: str
) -> Table:
    """Balanced accuracy of variants on target and source by shots, over all splits and pairs.

    Printed are means and sample standard deviations; the numbers also hold those of the paired differences
    from the reference, which the differences between pairs do not blur.

    Parameters
    ----------
    runs
        The long table of runs.
    names
        Methods and variants, in the order of the lines.
    variant_names
        Names in print of the variants.
    reference
        Method that the variants are of.
    """
    paired = compare_variants(runs, names=names, reference=reference)
    numbers = paired.groupby(["method", "role", "shots"], sort=True, observed=True).agg(
        mean=("balanced_accuracy", "mean"),
        std=("balanced_accuracy", "std"),
        difference=("difference", "mean"),
        difference_std=("difference", "std"),
        runs=("difference", "count"),
    )
    texts = [format_mean(mean, std) for mean, std in zip(numbers["mean"], numbers["std"], strict=True)]
    grid = numbers.assign(text=texts)["text"].unstack(["role", "shots"])
    shots = sorted(set(paired["shots"]))
    cells = {"model": [variant_name(str(name), variant_names) for name in grid.index]}
    for role in ROLES:
        for count in shots:
            heading = f"on {role}, {counted(count, 'shot')}"
            cells[heading] = grid[role, count].tolist()
    pairs = counted(len(paired[["source", "target"]].drop_duplicates()), "pair")
    splits = counted(paired["seed"].nunique(), "split")
    caption = (
        f"Balanced accuracy of variants of {method_name(reference)} and of what they are compared with, by "
        "labelled target stamps per class (shots): mean ± sample standard deviation over "
        f"{splits} of {pairs}. The baseline knows no shots: its numbers repeat."
    )
    return Table(
        numbers.reset_index(),
        pd.DataFrame(cells),
        caption,
        "tab:ablations",
    )
