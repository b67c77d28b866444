"""What each run would have scored with the weights that every rule of keeping an epoch keeps."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from stampshift.config.experiment import BASELINE
from stampshift.core.errors import ContractError
from stampshift.tables.change_tables import ROLES
from stampshift.tables.verdicts import Change
from stampshift.tables.wording import RULE_NAMES, counted, variant_name
from stampshift.tables.writing import Table, format_number
from stampshift.training.run_folder import FACTORS, read_metrics

LINE = ["method", "shots"]
GROUP = ["method", "source", "target", "shots", "rule", "role"]
REFERENCE = "first_best"


def gather_kept(folders: Iterable[Path]) -> pd.DataFrame:
    """Balanced accuracy of runs on their test parts under every rule, from their ``metrics.json``.

    A line per run, rule and survey: method, source, target (None for a baseline), shots, seed, ``rule``, the
    ``epoch`` that it keeps, ``role`` (``"target"`` or ``"source"``) and ``balanced_accuracy``. Raises
    `ContractError` if a file cannot be read or does not say what each rule keeps.
    """
    rows = []
    for folder in folders:
        metrics = read_metrics(folder, needed=(*FACTORS, "kept"))
        rows += [
            {name: metrics[name] for name in FACTORS}
            | {"rule": rule, "epoch": kept["epoch"]}
            | {"role": "target" if survey == metrics["target"] else "source"}
            | {"balanced_accuracy": scored["balanced_accuracy"]}
            for rule, kept in metrics["kept"].items()
            for survey, scored in kept["evaluation"].items()
        ]
    return pd.DataFrame(rows)


def kept_table(
    kept: pd.DataFrame, *, names: Sequence[str], variant_names: Mapping[str, str], keep: str
) -> Table:
    """Balanced accuracy and kept epoch under every rule, a line per method or variant and number of shots.

    `kept` is what `gather_kept` gives, `names` are methods and variants in their order, `keep` is the rule of
    the configuration. The numbers are of every pair: ``mean`` and ``std`` (sample) over splits, mean
    ``epoch``, and ``splits``; the cells are means over pairs.
    """
    unknown = set(names) - set(kept["method"])
    if unknown:
        raise ContractError(f"runs: expected runs of {', '.join(sorted(unknown))}, found none.")
    order = [BASELINE, *names]
    numbers = (
        kept.groupby(GROUP, sort=False, dropna=False)
        .agg(
            mean=("balanced_accuracy", "mean"),
            std=("balanced_accuracy", "std"),
            epoch=("epoch", "mean"),
            splits=("seed", "count"),
        )
        .reset_index()
    )
    means = mean_over_pairs(numbers).sort_values(
        LINE, key=lambda column: column.map(order.index) if column.name == "method" else column
    )
    lines = means[LINE].drop_duplicates()
    cells = {"model": [_line_name(str(method), shots, variant_names) for method, shots in lines.to_numpy()]}
    grid = means.set_index([*LINE, "role", "rule"])
    for role, column, spec in (*((role, "mean", ".3f") for role in ROLES), ("source", "epoch", ".1f")):
        for rule, printed in RULE_NAMES.items():
            values = grid.xs((role, rule), level=("role", "rule"))[column]
            heading = f"epoch, {printed}" if column == "epoch" else f"on {role}, {printed}"
            cells[heading] = [
                format_number(values.get(tuple(line), float("nan")), spec) for line in lines.to_numpy()
            ]
    return Table(numbers, pd.DataFrame(cells), _caption(keep), "tab:kept-weights")


def rules_compared(numbers: pd.DataFrame, *, names: Sequence[str], variant_names: Mapping[str, str]) -> Table:
    """Every other rule against the first best epoch, on the numbers of `kept_table`.

    A line per method or variant of `names`, role and rule: the mean ``difference`` of balanced accuracy,
    where each pair counts once with the mean over its numbers of shots; ``pairs``; ``higher``, the pairs in
    which it is positive; ``p`` of Wilcoxon's signed-rank test over the pairs, 1 where no pair differs.
    """
    means = numbers.pivot_table(index=["method", "source", "target", "role"], columns="rule", values="mean")
    differences = means.sub(means[REFERENCE], axis=0)
    compared = pd.DataFrame(
        {"method": name, "role": role, "rule": rule}
        | Change.over(differences[rule].xs((name, role), level=("method", "role")))._asdict()
        for rule in RULE_NAMES
        if rule != REFERENCE
        for name in names
        for role in ROLES
    )
    cells = {"rule": [RULE_NAMES[rule] for rule in compared["rule"].unique()]}
    for (name, role), lines in compared.groupby(["method", "role"], sort=False):
        cells[f"{variant_name(str(name), variant_names)}, {role}"] = [
            str(Change(*line)) for line in lines[list(Change._fields)].itertuples(index=False)
        ]
    caption = (
        "What other rules of keeping an epoch change against the first epoch of the highest validation "
        "balanced accuracy: differences of balanced accuracy on test parts, means over splits, shots and "
        "pairs. In brackets the pairs in which it is higher, and the p-value of Wilcoxon's signed-rank test "
        f"over the pairs, not corrected for the {len(compared)} tests."
    )
    return Table(compared, pd.DataFrame(cells), caption, "tab:kept-weights-compared")


def mean_over_pairs(numbers: pd.DataFrame) -> pd.DataFrame:
    """``mean`` and ``epoch`` by method, shots, rule and role, each pair counting once."""
    return numbers.groupby([*LINE, "rule", "role"], sort=False)[["mean", "epoch"]].mean().reset_index()


def _line_name(method: str, shots: int, variant_names: Mapping[str, str]) -> str:
    name = variant_name(method, variant_names)
    return name if method == BASELINE else f"{name}, {counted(shots, 'shot')}"


def _caption(keep: str) -> str:
    trained = (
        "A perfect validation ended a training, after which no later epoch was there to be kept; with "
        "another rule in the configuration the whole patience is trained."
        if keep == "first_best"
        else "All trainings took their whole patience after the first epoch of the best validation."
    )
    return (
        "Balanced accuracy on test parts with the weights of the first or the last epoch of the highest "
        "validation balanced accuracy, of the lowest validation cross-entropy, or of the last epoch trained, "
        "and the number of that epoch; means over splits and pairs. The four are of one training each; "
        "every adaptation started from the baseline's weights of the configured rule, "
        f"'{RULE_NAMES[keep]}'. {trained}"
    )
