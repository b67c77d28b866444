"""A trained run's files: their names, their one writer and their one reader. No torch, nor pandas."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from stampshift.config.experiment import Run
from stampshift.core.columns import FINITE, TEXT, WHOLE
from stampshift.core.digests import DIGESTS, check_folder, write_digests
from stampshift.core.errors import ContractError
from stampshift.core.files import atomic_path, read_json, read_table, write_json, write_parquet
from stampshift.core.shapes import check_shape

if TYPE_CHECKING:
    import pandas as pd

MODEL, HISTORY, PREDICTIONS, METRICS = "model.pt", "history.parquet", "predictions.parquet", "metrics.json"
FILES = (MODEL, HISTORY, PREDICTIONS, METRICS, DIGESTS)
TRANSFER_FILES = (PREDICTIONS, METRICS, DIGESTS)  # of a model scored on a survey that it was not trained on
PREDICTION_KINDS = {"survey": TEXT, "row": WHOLE, "label": WHOLE, "score": FINITE}
PREDICTION_COLUMNS = tuple(PREDICTION_KINDS)
FACTORS = tuple(Run.__dataclass_fields__)
UNUSABLE = "Delete the run's folder."


@dataclass
class _Record:
    """Of ``metrics.json``: what all trained runs have, and what is read of some."""

    method: str
    source: str | None  # None of an adaptation without stamps of its source
    target: str | None
    seed: int
    shots: int | dict[str, int]
    trained_by: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    code_digest: str = ""
    epochs: int = 0
    kept_epoch: int = 0
    keep: str | None = None
    device: str = ""
    validation_balanced_accuracy: float = 0.0
    validation_shots: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str | None] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)


class Savable(Protocol):
    """A `stampshift.training.model.Model`, which this module does not import for the sake of torch."""

    def save(self, path: Path) -> None:
        """Write the model file."""


def write_run(
    folder: Path,
    *,
    predictions: "pd.DataFrame",
    model: Savable | None = None,
    history: "pd.DataFrame | None" = None,
    metrics: Mapping[str, Any] | None = None,
    others: Sequence[str] = (),
) -> None:
    """Write those of a run's files that there are, each atomically, and at last their digests.

    `others` are names of further files in the folder, which are listed too.
    """
    written = [PREDICTIONS, *others]
    if model is not None:
        model.save(folder / MODEL)
        written.append(MODEL)
    if history is not None:
        write_parquet(folder / HISTORY, history)
        written.append(HISTORY)
    write_parquet(folder / PREDICTIONS, predictions)
    if metrics is not None:
        write_json(folder / METRICS, metrics)
        written.append(METRICS)
    write_digests(folder, written)


def copy_run(source: Path, target: Path) -> None:
    """Copy a run's files, each atomically; a `ContractError` if a copy is not as the run was written."""
    for name in FILES:
        with atomic_path(target / name) as temporary:
            shutil.copyfile(source / name, temporary)
    check_run(target)


def check_run(folder: Path) -> None:
    """Raise a `ContractError` unless all files of a run are there and as they were written."""
    check_folder(folder, needed=FILES[:-1])


def read_predictions(folder: Path, *, remedy: str | None = None) -> "pd.DataFrame":
    """Scores of a run's test stamps: `PREDICTION_COLUMNS`, or a `ContractError` with the remedy."""
    path, remedy = folder / PREDICTIONS, remedy or _remedy(folder)
    return read_table(path, remedy=remedy, kinds=PREDICTION_KINDS, columns=list(PREDICTION_COLUMNS))


def read_metrics(
    folder: Path, *, needed: Sequence[str] = FACTORS, remedy: str | None = None
) -> dict[str, Any]:
    """Content of a run's ``metrics.json``; a `ContractError` if it is damaged or lacks what is needed."""
    path, remedy = folder / METRICS, remedy or _remedy(folder)
    metrics = read_json(path, remedy=remedy)
    missing = [name for name in needed if name not in metrics] if isinstance(metrics, dict) else needed
    if missing:
        raise ContractError(f"{path}: lacks {', '.join(missing)}. {remedy}")
    return dict(metrics)


def read_trained_run(folder: Path) -> dict[str, Any]:
    """Metrics of a run that the user names, one of the workflow or of `stampshift adapt`.

    A folder that is not that of a trained run, or damaged metrics, raise a `ContractError`.
    """
    missing = [name for name in (MODEL, METRICS) if not (folder / name).is_file()]
    if missing:
        found = f"no {' and no '.join(missing)} in it" if folder.is_dir() else "no such folder"
        raise ContractError(
            f"{folder}: expected the folder of a trained run, with {MODEL} and {METRICS}, found {found}; "
            "give one such as results/baseline/<source>/seed-0 or "
            "results/mme/<source>-to-<target>/shots-10/seed-0."
        )
    if (folder / DIGESTS).exists():
        check_folder(folder)
    metrics = read_metrics(folder, remedy=UNUSABLE)
    check_shape(metrics, _Record, path=folder / METRICS, remedy=UNUSABLE)
    return metrics


def _remedy(folder: Path) -> str:
    return f"Delete the folder {folder}; the workflow makes it again."
