"""The long table of runs: one line per run and survey on which it was evaluated."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from stampshift.config.experiment import BASELINE
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json, read_table

KEY = ("method", "source", "target", "shots", "seed", "evaluated_on")
METRICS = ("balanced_accuracy", "recall_real", "recall_bogus", "n_real", "n_bogus")
TRAINING = ("best_epoch", "epochs", "entropy_weight", "seconds")
COLUMNS = KEY + METRICS + TRAINING
RUN_FACTORS = ("method", "source", "target", "shots", "seed")


def gather(paths: Iterable[Path | str]) -> pd.DataFrame:
    """Read the metrics files of the runs asked for into one long table.

    Parameters
    ----------
    paths
        Every ``metrics.json`` that the experiment asks for, by name: nothing is searched for, so
        that leftovers of another experiment cannot slip in.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, in the order of `paths`. A baseline was adapted to no target: its lines have
        ``target`` equal to ``evaluated_on``, and 0 shots.

    Raises
    ------
    ContractError
        If a file cannot be read, misses a key, misses a survey on which its run should have been
        evaluated, or holds the same evaluation as another file, or if there is no file at all.
    """
    rows: list[dict[str, Any]] = []
    origin: dict[tuple[Any, ...], Path | str] = {}
    for path in paths:
        for row in _rows(_read(path), path=path):
            key = tuple(row[name] for name in KEY)
            if key in origin:
                described = ", ".join(f"{name} {row[name]}" for name in KEY)
                raise ContractError(
                    f"{path}: holds {described}, which {origin[key]} holds too; "
                    "delete the file that is in the wrong folder."
                )
            origin[key] = path
            rows.append(row)
    if not rows:
        raise ContractError(
            "no metrics file was given: the experiment has no run; look at 'pairs' in the config."
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"entropy_weight": float})


def read_runs(path: Path | str) -> pd.DataFrame:
    """Read the long table that `table_files.write_csv` wrote.

    Raises
    ------
    ContractError
        If it cannot be read or has other columns.
    """
    text = dict.fromkeys(("method", "source", "target", "evaluated_on"), str)
    # names are never missing, and a survey may well be called "NA"
    missing = {"entropy_weight": [""]}
    runs = read_table(path, dtype=text, keep_default_na=False, na_values=missing)
    if tuple(runs.columns) != COLUMNS:
        raise ContractError(
            f"{path}: expected the columns {', '.join(COLUMNS)}; found {', '.join(runs.columns)}. "
            f"Make it again: snakemake --force {path}"
        )
    return runs.astype({"entropy_weight": float})


def _read(path: Path | str) -> dict[str, Any]:
    content = read_json(path, remedy=_remedy(path))
    needed = (*RUN_FACTORS, *TRAINING, "evaluation")
    missing = [key for key in needed if key not in content] if isinstance(content, dict) else list(needed)
    if missing:
        raise ContractError(f"{path}: misses {', '.join(missing)}. {_remedy(path)}")
    return content


def _rows(content: dict[str, Any], *, path: Path | str) -> list[dict[str, Any]]:
    is_baseline = content["method"] == BASELINE
    wanted = [content["source"], content["target"]]
    if is_baseline:
        wanted = [content["target"] or content["source"]]
    absent = [survey for survey in wanted if survey not in content["evaluation"]]
    if absent:
        raise ContractError(
            f"{path}: expected an evaluation on {' and '.join(wanted)}, found "
            f"{', '.join(content['evaluation']) or 'none'}. {_remedy(path)}"
        )
    rows = []
    for survey, metrics in content["evaluation"].items():
        missing = [key for key in METRICS if key not in metrics]
        if missing:
            raise ContractError(
                f"{path}: evaluation on {survey} misses {', '.join(missing)}. {_remedy(path)}"
            )
        row = {key: content[key] for key in RUN_FACTORS + TRAINING} | {key: metrics[key] for key in METRICS}
        rows.append(row | {"evaluated_on": survey, "target": survey if is_baseline else content["target"]})
    return rows


def _remedy(path: Path | str) -> str:
    return f"Delete the folder {Path(path).parent}; the workflow makes it again."
