"""The experiment in one line."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from stampshift.config.experiment import BASELINE
from stampshift.core.errors import ContractError
from stampshift.tables.summaries import EVALUATION, summarise
from stampshift.tables.wording import SIMULATED, counted, method_name


def summary_line(runs: pd.DataFrame, results_folder: Path | str, *, simulated: bool) -> str:
    """Where the results of an experiment lie and what they show, in one line.

    Every number is a mean of balanced accuracy, first over splits, then over pairs (or surveys), so
    that a pair counts once. The drop is a pair's baseline on its source less the same on its target; a
    method's loss on the source is the pair's baseline there less the adapted model there. Adapted
    models are those with the largest number of shots.

    Parameters
    ----------
    runs
        The long table of runs.
    results_folder
        Where ``tables``, ``figures`` and ``report.html`` are.
    simulated
        Whether the surveys are simulated, which the line then says.

    Raises
    ------
    ContractError
        If there is no baseline evaluated on another survey than its own.
    """
    folder = Path(results_folder)
    means = summarise(runs, by=EVALUATION)
    baseline = means[means["method"] == BASELINE].set_index(["source", "evaluated_on"])["mean"]
    adapted = means[means["method"] != BASELINE]
    pairs = _pairs(adapted, baseline=baseline)
    within = pd.Series([baseline[source, source] for source in dict.fromkeys(s for s, _ in pairs)]).mean()
    across = pd.Series([baseline[pair] for pair in pairs]).mean()
    drop = pd.Series([baseline[source, source] - baseline[source, target] for source, target in pairs]).mean()
    parts = [
        f"tables in {folder / 'tables'}, figures in {folder / 'figures'}, report in {folder / 'report.html'}",
        f"{_where(runs, pairs=pairs, simulated=simulated)}: balanced accuracy {within:.3f} within a survey, "
        f"{across:.3f} on another (drop {drop:.3f})",
    ]
    if not adapted.empty:
        most = adapted[adapted["shots"] == adapted["shots"].max()]
        parts.append(
            f"after {most['shots'].iloc[0]} labelled target stamps per class: "
            + ", ".join(
                _method_text(rows, method=str(name), baseline=baseline)
                for name, rows in most.groupby("method")
            )
        )
    return "; ".join(parts) + "."


def _pairs(adapted: pd.DataFrame, *, baseline: pd.Series) -> list[tuple[str, str]]:
    """Pairs that were adapted or, where nothing was, every transfer of a baseline."""
    pairs = list(dict.fromkeys(zip(adapted["source"], adapted["target"], strict=True)))
    pairs = pairs or [(source, target) for source, target in baseline.index if source != target]
    if not pairs or not set(pairs) <= set(baseline.index):
        raise ContractError(
            "runs table: expected baselines evaluated on another survey than their own, found "
            f"{sorted(set(baseline.index))}. Make it again: snakemake --force gather"
        )
    return pairs


def _method_text(rows: pd.DataFrame, *, method: str, baseline: pd.Series) -> str:
    on_target = rows.loc[rows["evaluated_on"] == rows["target"], "mean"].mean()
    on_source = rows[rows["evaluated_on"] == rows["source"]]
    before = pd.Series([baseline[source, source] for source in on_source["source"]], index=on_source.index)
    lost = (before - on_source["mean"]).mean()
    change = f"{abs(lost):.3f} {'lost' if lost >= 0 else 'gained'} on the source"
    return f"{method_name(method)} {on_target:.3f} on the target ({change})"


def _where(runs: pd.DataFrame, *, pairs: Sequence[tuple[str, str]], simulated: bool) -> str:
    where = f"{counted(len(pairs), 'pair')}, {counted(runs['seed'].nunique(), 'split')}"
    return f"{SIMULATED}, {where}" if simulated else where
