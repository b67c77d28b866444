"""A baseline of survey A and stamps of survey B, of which a few have labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adaptation import MME, TRAINING, some_labels, write_some
from stampshift.adapting.setting import Setting
from stampshift.networks import build_classifier
from stampshift.release.contract import Start
from stampshift.release.run_files import RunFiles
from stampshift.training.model import Model


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
        source=RunFiles(survey_files["stamps"]["A"], survey_files["splits"]["A"]),
        target=few(real=3, bogus=3),
        method="mme",
        options=MME,
        training=TRAINING,
        seed=0,
        device=torch.device("cpu"),
        seen=Start(["A"]),
    )


@pytest.fixture
def finetuning(setting) -> Setting:
    """Fine-tuning without files of the source."""
    return replace(setting, method="finetune", options={}, source=None)
