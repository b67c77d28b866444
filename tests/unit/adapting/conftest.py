"""A baseline of survey A and stamps of survey B, of which a few have labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stampshift.adapting.setting import Setting, Source
from stampshift.networks import build_classifier
from stampshift.stamps import BOGUS, REAL, UNLABELLED, Stamps, stamps_writer
from stampshift.training.model import Model

TRAINING = {
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "momentum": 0.9,
    "halve_every_iterations": None,
    "batch_size": 20,
    "epoch_size": 240,
}
MME = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "temperature": 0.05,
    "entropy_weight": 0.1,
}


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
    return path


def some_labels(survey: Stamps, *, real: int, bogus: int, unlabelled: int) -> tuple:
    """The first rows of each class with their labels, and the first of what remains without."""
    shots = [np.flatnonzero(survey.labels == label)[:n] for label, n in ((REAL, real), (BOGUS, bogus))]
    rest = np.setdiff1d(np.arange(200), np.concatenate(shots))[:unlabelled]
    rows = np.sort(np.concatenate([*shots, rest]))
    return rows, np.where(np.isin(rows, rest), UNLABELLED, survey.labels[rows]).tolist()


@pytest.fixture
def few(surveys, tmp_path):
    """Writes a file of survey B with as many labels as asked for, among its first 200 stamps."""

    def write(*, real: int, bogus: int, unlabelled: int = 100) -> Path:
        rows, labels = some_labels(surveys["B"], real=real, bogus=bogus, unlabelled=unlabelled)
        return write_some(tmp_path / f"B-{real}-{bogus}-{unlabelled}.h5", surveys["B"], rows, labels)

    return write


@pytest.fixture
def test_file(surveys, tmp_path) -> Path:
    """The last hundred stamps of survey B, with labels."""
    rows = np.arange(300, 400)
    return write_some(tmp_path / "B-test.h5", surveys["B"], rows, surveys["B"].labels[rows].tolist())


@pytest.fixture
def setting(survey_files, few, tmp_path) -> Setting:
    """MME from a baseline that has learnt nothing, with three labels of each class."""
    torch.manual_seed(1)
    classifier = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None)
    model = Model(classifier.state_dict(), network="bolivar", head="linear", size_pixels=21, temperature=None)
    model.save(tmp_path / "model.pt")
    return Setting(
        model=tmp_path / "model.pt",
        source=Source(survey_files["stamps"]["A"], survey_files["splits"]["A"]),
        target=few(real=3, bogus=3),
        method="mme",
        options=MME,
        training=TRAINING,
        seed=0,
    )


@pytest.fixture
def finetuning(setting) -> Setting:
    """Fine-tuning without files of the source."""
    return replace(setting, method="finetune", options={}, source=None)
