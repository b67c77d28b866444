"""Options of short adaptations, and stamps files of which some stamps have labels."""

from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.adapting import defaults
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, Stamps
from stampshift.stamps.writer import stamps_writer

TRAINING = defaults.TRAINING | {"batch_size": 20, "epoch_size": 240}
MME = defaults.MME


def write_some(path: Path, survey: Stamps, rows, labels) -> Path:
    """A stamps file of some rows of a survey, with these labels."""
    with stamps_writer(path, survey=survey.survey, size_pixels=21) as writer:
        writer.append(
            survey.stamps[rows],
            labels=labels,
            classes=[{REAL: "star", BOGUS: "ghost"}.get(label, "unlabelled") for label in labels],
            ids=survey.ids[rows].tolist(),
            groups=survey.groups[rows].tolist(),
        )
        writer.describe({"normalisation": "channel", "invalid": {}, "origin": {"path": "nights"}})
    return path


def some_labels(survey: Stamps, *, real: int, bogus: int, unlabelled: int) -> tuple:
    """The first rows of each class with their labels, and the first of what remains without."""
    shots = [np.flatnonzero(survey.labels == label)[:n] for label, n in ((REAL, real), (BOGUS, bogus))]
    rest = np.setdiff1d(np.arange(200), np.concatenate(shots))[:unlabelled]
    rows = np.sort(np.concatenate([*shots, rest]))
    return rows, np.where(np.isin(rows, rest), UNLABELLED, survey.labels[rows]).tolist()


def worse_with_every_epoch(setting, *, epochs, **options):
    """Held-out scores of a start that is right, and of trainings that are not."""
    lines = [
        {
            "fold": fold,
            "epoch": epoch,
            "row": row,
            "label": label,
            "score": label if epoch == 0 else 1 - label,
        }
        for fold, held_out in enumerate(setting.few_labels.folds(seed=0), start=1)
        for epoch in range(epochs + 1)
        for row, label in zip(held_out.held_out, setting.target_stamps.labels[held_out.held_out], strict=True)
    ]
    return pd.DataFrame(lines).astype({"label": int, "score": float})
