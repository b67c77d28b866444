"""Adaptations that start from a network of the second study."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from adaptation import TRAINING
from stampshift.adapting.adapt import adapt_model
from stampshift.adapting.setting import Setting
from stampshift.core.files import write_json
from stampshift.networks import build_classifier
from stampshift.release.run_files import RunFiles
from stampshift.release.trained_run import open_run
from stampshift.training.model import Model


@pytest.fixture(scope="module")
def flipped(splits):
    """Rows whose labels are corrected: one of the train part, one of the test part."""
    return sorted([splits["A"].train[0], splits["A"].test[0]])


@pytest.fixture
def network(survey_files, surveys, flipped, tmp_path):
    """Folder of network 1, which has learnt nothing, in a study whose labels are corrected."""
    study, stamps = tmp_path / "results/des_study", surveys["A"]
    run = study / "second/new/network_1"
    (study / "splits").mkdir(parents=True)
    run.mkdir(parents=True)
    shutil.copyfile(survey_files["stamps"]["A"], study / "stamps.h5")
    shutil.copyfile(survey_files["splits"]["A"], study / "splits/second.npz")
    rows = np.arange(len(stamps))
    labels = np.where(np.isin(rows, flipped), 1 - stamps.labels, stamps.labels)
    pd.DataFrame({"row": rows, "id": stamps.ids, "label": labels}).to_parquet(study / "labels.parquet")
    torch.manual_seed(1)
    form = {"network": "network_1", "head": "linear", "size_pixels": 21, "temperature": None}
    Model(build_classifier(**form).state_dict(), **form).save(run / "model.pt")
    factors = {"method": "baseline", "source": "A", "target": None, "shots": 0, "seed": 0}
    write_json(run / "metrics.json", factors)
    return run


def setting(run, target, method, **options):
    given = {"seed": 0, "device": torch.device("cpu"), **TRAINING, **options}
    return Setting.of_model(run, target, method=method, **given)


def test_the_source_comes_with_its_corrected_labels(network, few, surveys, flipped):
    start, study = setting(network, few(real=2, bogus=2), "finetune"), network.parents[2]
    assert start.source == RunFiles(
        study / "stamps.h5", study / "splits/second.npz", study / "labels.parquet"
    )
    assert np.flatnonzero(start.source_stamps.labels != surveys["A"].labels).tolist() == flipped
    (study / "labels.parquet").unlink()
    assert setting(network, start.target, "finetune").source is None


def test_minimax_entropy_gives_it_prototypes(network, few):
    start = setting(network, few(real=2, bogus=2), "mme")
    start.check()
    task = start.task(start.few_labels.labelled, start.few_labels.pile, number=0)
    assert task.random_classifier().head.prototypes.weight.shape == (2, 51)


def test_fine_tuning_is_judged_and_released_by_the_corrected_labels(
    network, few, splits, tmp_path, surveys, flipped
):
    start = setting(network, few(real=2, bogus=2), "finetune")
    adaptation = adapt_model(start, epochs=1, epochs_unjudged=1, processes=1, progress=False)
    assert adaptation.model.network == "network_1"
    table = adaptation.predictions.set_index("row")["label"]
    assert sorted(table.index) == splits["A"].test.tolist()
    corrected = np.where(np.isin(table.index, flipped), 1, 0) ^ surveys["A"].labels[table.index]
    assert table.tolist() == corrected.tolist()
    adaptation.save(tmp_path / "adapted")
    source, _ = open_run(tmp_path / "adapted").surveys
    assert np.flatnonzero(source.stamps.labels != surveys["A"].labels).tolist() == flipped
    assert source.stamps.attributes["labels"]["changed"] == len(flipped)


@pytest.mark.parametrize(("method", "turned"), [("mme", True), ("finetune", False)])
def test_by_default_stamps_are_turned_with_minimax_entropy_alone(network, few, method, turned):
    start = setting(network, few(real=2, bogus=2), method)
    task = start.task(start.few_labels.labelled, start.few_labels.pile, number=1)
    assert (task.augmentation(1) is not None) == turned
    other = setting(network, few(real=2, bogus=2), method, augmentation="none")
    assert other.training["augmentation"] == "none"
