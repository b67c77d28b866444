"""The long table of runs, one line per run and survey on which it was evaluated, and what is read off it.

Spreads over splits are sample standard deviations (n - 1 in the denominator); a single split has none.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.typing import SeriesGroupBy

from stampshift.config.experiment import BASELINE
from stampshift.core.columns import FINITE_OR_GAPS, TEXT, WHOLE, check_columns
from stampshift.core.errors import ContractError
from stampshift.core.files import read_table
from stampshift.training.run_folder import FACTORS, read_metrics
from stampshift.training.run_folder import METRICS as METRICS_FILE

# one model, trained once per split, on one survey
EVALUATION = ["method", "source", "target", "shots", "evaluated_on"]
KEY = (*FACTORS, "evaluated_on")
METRICS = ("balanced_accuracy", "recall_real", "recall_bogus", "n_real", "n_bogus")
TRAINING = ("kept_epoch", "epochs", "entropy_weight", "seconds")
COLUMNS = KEY + METRICS + TRAINING
KINDS = {name: WHOLE if name in {"shots", "seed"} else TEXT for name in KEY}
KINDS |= dict.fromkeys((*METRICS, *TRAINING), FINITE_OR_GAPS)


def gather(folders: Iterable[Path]) -> pd.DataFrame:
    """Read the ``metrics.json`` of the runs that the experiment asks for into one long table, `COLUMNS`.

    Folders are named, not searched for, so that leftovers of another experiment cannot slip in. A baseline
    was adapted to no target: its lines have ``target`` equal to ``evaluated_on``, and 0 shots.

    Raises `ContractError` if a file cannot be read, misses a key or a survey on which its run should be
    evaluated, or holds the same evaluation as another file, or if there is no file at all.
    """
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for folder in folders:
        for row in _rows(folder):
            key = tuple(row[name] for name in KEY)
            if key in rows:
                described = ", ".join(f"{name} {row[name]}" for name in KEY)
                raise ContractError(
                    f"{row['path']}: holds {described}, which {rows[key]['path']} holds too; "
                    "delete the file that is in the wrong folder."
                )
            rows[key] = row
    if not rows:
        raise ContractError(
            "no metrics file was given: the experiment has no run; look at 'pairs' in the config."
        )
    return pd.DataFrame(rows.values(), columns=list(COLUMNS)).astype({"entropy_weight": float})


def read_runs(path: Path | str) -> pd.DataFrame:
    """Read the long table that `write_csv` wrote, or raise `ContractError` where it holds something else."""
    text = dict.fromkeys(("method", "source", "target", "evaluated_on"), str)
    # names are never missing, and a survey may well be called "NA"
    missing = {"entropy_weight": [""]}
    remedy = f"Make it again: snakemake --force {path}"
    runs = read_table(path, dtype=text, keep_default_na=False, na_values=missing)
    if tuple(runs.columns) != COLUMNS:
        raise ContractError(
            f"{path}: expected the columns {', '.join(COLUMNS)}; found {', '.join(runs.columns)}. {remedy}"
        )
    check_columns(runs, KINDS, path=path, remedy=remedy)
    baseline = runs["method"] == BASELINE
    adapted = baseline & ((runs["target"] != runs["evaluated_on"]) | (runs["shots"] != 0))
    wrong = runs.duplicated(list(KEY)) | adapted
    if wrong.any():
        raise ContractError(
            f"{path}: expected one line for every evaluation, and baselines without target and shots; line "
            f"{int(wrong.argmax()) + 2} is another. {remedy}"
        )
    return runs.astype({"entropy_weight": float})


def summarise(runs: pd.DataFrame, *, by: Sequence[str]) -> pd.DataFrame:
    """``mean``, ``std`` (sample) and number of ``splits`` of the balanced accuracy, by some columns.

    Groups come in the order in which they first appear.
    """
    groups = runs.groupby(list(by), sort=False, observed=True)["balanced_accuracy"]
    return groups.agg(mean="mean", std="std", splits="count").reset_index()


def spread(values: SeriesGroupBy) -> pd.DataFrame:
    """Describe values over splits, by group: ``mean``, ``std`` (sample), ``low``, ``high``, ``splits``."""
    numbers = values.agg(["mean", "std", "min", "max", "count"])
    return numbers.rename(columns={"min": "low", "max": "high", "count": "splits"})


def select_pair(runs: pd.DataFrame, *, source: str, target: str, methods: Sequence[str]) -> pd.DataFrame:
    """Lines of one pair: adapted runs of some methods, and the baseline on the same surveys.

    These are the source and the target and, of a source of several, each of its surveys.

    Raises `ContractError` if a method or the baseline has no line.
    """
    adapted = (runs["source"] == source) & (runs["target"] == target) & runs["method"].isin(list(methods))
    baseline = (runs["source"] == source) & (runs["method"] == BASELINE)
    surveys = {source, target, *runs.loc[adapted, "evaluated_on"]}
    chosen = runs[adapted | (baseline & runs["evaluated_on"].isin(surveys))]
    found = set(chosen.groupby(["method", "evaluated_on"]).groups)
    wanted = product((BASELINE, *methods), (source, target))
    absent = ", ".join(f"{method} on {survey}" for method, survey in wanted if (method, survey) not in found)
    if absent:
        raise ContractError(
            f"runs table: expected runs of {source}-to-{target} of every method, found none of "
            f"{absent}. Add the pair to 'pairs' and the method to 'methods' in the config."
        )
    return chosen


def _rows(folder: Path) -> list[dict[str, Any]]:
    """Lines of one run, with the ``path`` of its metrics file."""
    content = read_metrics(folder, needed=(*FACTORS, *TRAINING, "evaluation"))
    path, remedy = folder / METRICS_FILE, f"Delete the folder {folder}; the workflow makes it again."
    source, target, is_baseline = content["source"], content["target"], content["method"] == BASELINE
    wanted = [target or source] if is_baseline else [source, target]
    if not set(wanted) <= set(content["evaluation"]):
        raise ContractError(
            f"{path}: expected an evaluation on {' and '.join(wanted)}, found "
            f"{', '.join(content['evaluation']) or 'none'}. {remedy}"
        )
    rows = []
    for survey, metrics in content["evaluation"].items():
        missing = [key for key in METRICS if key not in metrics]
        if missing:
            raise ContractError(f"{path}: the evaluation on {survey} lacks {', '.join(missing)}. {remedy}")
        rows.append(
            content
            | metrics
            | {"evaluated_on": survey, "target": survey if is_baseline else target, "path": path}
        )
    return rows
