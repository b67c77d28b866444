"""The stamps, splits and labels that a run was trained on, found among the results that its folder is in."""

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stampshift.config.experiment import Run
from stampshift.core.errors import ContractError
from stampshift.core.provenance import file_digest
from stampshift.stamps.file import UNLABELLED, Stamps
from stampshift.stamps.label_file import relabelled
from stampshift.stamps.splits import Splits


class RunFiles(NamedTuple):
    """Files of one survey of a run, as they were in its training."""

    stamps: Path
    splits: Path
    labels: Path | None = None  # that replaced those of the stamps file


SOURCES = "source_surveys"  # in the metrics.json of a run of several
# places in the second study: of a run's folder, and of its stamps, splits and labels
STUDY = "des_study"
STUDY_RUNS = (
    (r"first/[^/]+", "stamps.h5", "splits/first.npz", None),
    (r"second/old/[^/]+", "stamps.h5", "splits/second.npz", None),
    (r"second/new/[^/]+", "stamps.h5", "splits/second.npz", "labels.parquet"),
    (r"search/[^/]+/(fold-[0-9]+)", "stamps.h5", r"splits/search/\1.npz", None),
    (r"new-survey/after", "new-survey/stamps.h5", "new-survey/splits.npz", "new-survey/labels.parquet"),
)


def files_in_study(folder: Path) -> RunFiles | None:
    """Where the files of a run of the second study are, whether they exist or not; None for another run."""
    place = folder.resolve()
    for study in place.parents:
        if study.name == STUDY:
            inside = place.relative_to(study).as_posix()
            for pattern, stamps, splits, labels in STUDY_RUNS:
                if found := re.fullmatch(pattern, inside):
                    given = None if labels is None else study / labels
                    return RunFiles(study / stamps, study / found.expand(splits), given)
    return None


def stamps_of(folder: Path, run: Run, survey: str) -> Path:
    """Stamps file of a survey of a run; a `ContractError` if it is not found."""
    study = files_in_study(folder)
    path = study.stamps if study else _beside(folder, run, f"stamps/{survey}.h5", "--stamps")
    return _existing(path, folder, "--stamps")


def splits_of(folder: Path, run: Run, survey: str) -> Path:
    """Splits file of a survey of a run; a `ContractError` if it is not found."""
    study = files_in_study(folder)
    path = study.splits if study else _beside(folder, run, f"splits/{survey}/seed-{run.seed}.npz", "--splits")
    return _existing(path, folder, "--splits")


def labels_of(folder: Path) -> Path | None:
    """Labels file of a run, None where it had the archive's; a `ContractError` if it is not found."""
    study = files_in_study(folder)
    return _existing(study.labels, folder, "--labels") if study and study.labels else None


def with_labels(survey: Stamps, labels: Path, splits: Splits) -> Stamps:
    """Stamps with the labels of a labels file; stamps in no part of the split then have none."""
    rows = np.concatenate([splits.train, splits.validation, splits.test])
    given = np.full(len(survey), UNLABELLED, np.uint8)
    given[rows] = relabelled(survey, labels, rows=rows).labels[rows]
    replaced = rows[survey.labels[rows] != UNLABELLED]
    changed = int((given[replaced] != survey.labels[replaced]).sum())
    file = {"name": labels.name, "sha256": file_digest(labels), "replaced": len(replaced), "changed": changed}
    return replace(survey, labels=given, attributes={**survey.attributes, "labels": file})


def _beside(folder: Path, run: Run, place: str, option: str) -> Path:
    """A file of the results that the folder of a run of the main study is in."""
    parts = Path(run.folder).parts
    resolved = folder.resolve()
    if resolved.parts[-len(parts) :] != parts:
        raise ContractError(
            f"{folder}: expected the folder {run.folder} inside its results; it is elsewhere, so give the "
            f"file {place} of its results with {option}."
        )
    return resolved.parents[len(parts) - 1] / place


def _existing(path: Path, folder: Path, option: str) -> Path:
    if not path.is_file():
        raise ContractError(
            f"{path} does not exist, but the run {folder} was trained on it; give its path with {option}."
        )
    return path
