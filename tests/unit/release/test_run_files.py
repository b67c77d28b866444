"""Released models of the second study's networks: made, verified and used as people type it."""

import json
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from alert_packets import container, images, packet
from fake_surveys import write_survey
from loaded_rules import loaded_rules
from stampshift import cli
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json
from stampshift.des_study.training import train_networks
from stampshift.metrics.calibration import logit_difference
from stampshift.release.released import ReleasedModel, calibrated
from stampshift.release.run_files import files_in_study
from stampshift.release.trained_run import open_run
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import make_splits
from stampshift.training.execute import Job

TRAINING = {
    "optimiser": "adam",
    "learning_rate": 0.001,
    "momentum": None,
    "halve_every_iterations": None,
    "batch_size": 4,
    "epoch_size": None,
    "patience_epochs": 12,
    "max_epochs": 12,
    "keep": "last",
}
FRACTIONS = {"train": 0.5, "validation": 0.25, "test": 0.25}


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["stampshift", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Results with network 1 trained shortly on stamps of 51 pixels, whose labels are corrected."""
    results = tmp_path_factory.mktemp("results")
    path = write_survey(results, "DES", width=2.0, count=96, size=51)
    folder = results / "des_study"
    (folder / "splits").mkdir(parents=True)
    path = path.rename(folder / "stamps.h5")
    with h5py.File(path, "r+") as file:
        attributes = json.loads(str(file.attrs["preprocessing"]))
        attributes |= {"normalisation": "difference_mad_clipped", "invalid": {"nonzero_below": 1e-29}}
        file.attrs["preprocessing"] = json.dumps(attributes)
    stamps = Stamps.open(path)
    splits = make_splits(stamps, fractions=FRACTIONS, seed=0)
    splits.save(folder / "splits" / "second.npz")
    wrong = [splits.train[0], splits.validation_real[0], splits.validation_bogus[0], splits.test[0]]
    rows = np.arange(len(stamps))
    labels = np.where(np.isin(rows, wrong), 1 - stamps.labels, stamps.labels)
    columns = {"row": rows, "id": stamps.ids, "old_label": stamps.labels, "label": labels}
    pd.DataFrame(columns).to_parquet(folder / "labels.parquet")
    train_networks(
        Job(results, torch.device("cpu"), threads=1, checkpoint_epochs=5, log_file=results / "log"),
        survey="DES",
        folders=["des_study/second/new/network_1"],
        network="network_1",
        stamps=path,
        splits=[folder / "splits" / "second.npz"],
        labels=folder / "labels.parquet",
        training=TRAINING,
        seed=0,
        precision="float32",
    )
    return folder


@pytest.fixture(scope="module")
def released(study):
    """Folder of the release that one command makes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert call(monkeypatch, "export", study / "second/new/network_1") == 0
    return study / "second/new/network_1-release"


def test_the_contract_is_that_of_the_study(released):
    contract = ReleasedModel.open(released).contract
    assert (contract.network, contract.head, contract.size_pixels) == ("network_1", "linear", 51)
    assert contract.normalisation == "difference_mad_clipped"
    assert contract.surveys["DES"]["invalid"] == {"nonzero_below": 1e-29}
    assert contract.parity["largest_difference"] < contract.parity["tolerance"]
    # the validation part, by its corrected labels, fits the temperature
    assert contract.calibration["stamps"] == 24
    reference = ReleasedModel.open(released).reference()
    assert len(reference) == 24
    assert reference["label"].notna().all()


def test_the_card_says_on_which_labels_it_was_trained(released):
    card = (released / "card.md").read_text()
    assert card.startswith("# Model card: network 1 of DES\n")
    assert "It was trained on DES alone, on corrected labels, and knows no other survey." in card
    assert "The model learned corrected labels, including wrong ones that no search found." in card
    assert "The study repeats each training" not in card
    assert "in place of the archive's: 4 of 96 differ" in card
    assert "labels.parquet" in card
    assert "| network, head | network_1, linear |" in card
    assert "51 x 51 pixels" in card
    assert (
        "the labelled stamps that said when to stop, fitted the temperature" in card
    )  # it keeps the last epoch


def test_verify_and_threshold(released, monkeypatch, capsys):
    assert call(monkeypatch, "verify", released) == 0
    assert capsys.readouterr().out.startswith("as written: ")
    assert call(monkeypatch, "threshold", released, "--max-mdr", 0.5, "--json") == 0
    assert json.loads(capsys.readouterr().out)["survey"] == "DES"


def test_scores_of_stamps_are_the_predictions_of_the_run(released, study, monkeypatch, tmp_path):
    output = tmp_path / "scores.parquet"
    assert (
        call(monkeypatch, "score", released, study / "stamps.h5", "--output", output, "--processes", 1) == 0
    )
    scores = pd.read_parquet(output)
    predictions = pd.read_parquet(study / "second/new/network_1/predictions.parquet")
    temperature = read_json(released / "contract.json")["calibration"]["temperature"]
    expected = calibrated(logit_difference(predictions["score"]), temperature)
    assert scores["score"].iloc[predictions["row"]].to_numpy() == pytest.approx(expected, abs=1e-4)
    assert (scores["survey"] == "DES").all()


def test_packets_are_cropped_and_scaled_as_the_training_stamps_were(released, monkeypatch, tmp_path):
    triplets = [images(seed, side=63) for seed in (1, 2)]
    night, output = tmp_path / "night.avro", tmp_path / "scores.parquet"
    night.write_bytes(container("ZTF", [packet("ZTF", seed, triplets[seed - 1]) for seed in (1, 2)]))
    assert call(monkeypatch, "score", released, night, "--output", output, "--processes", 1) == 0
    crops = np.stack(triplets)[:, :, 6:57, 6:57]
    difference = crops[:, 2].reshape(2, -1)
    median = np.median(difference, axis=1, keepdims=True)
    sigma = 1.4826 * np.median(np.abs(difference - median), axis=1)  # of a Gaussian, from its MAD
    scaled = (crops / sigma[:, None, None, None]).clip(-30, 30).astype(np.float32)
    expected = ReleasedModel.open(released).score_stamps(scaled).score
    assert pd.read_parquet(output)["score"].to_numpy() == pytest.approx(expected, abs=1e-3)


def test_stamps_of_another_normalisation_are_refused(released, study, monkeypatch, tmp_path):
    path = shutil.copyfile(study / "stamps.h5", tmp_path / "other.h5")
    with h5py.File(path, "r+") as file:
        attributes = json.loads(str(file.attrs["preprocessing"])) | {"normalisation": "channel"}
        file.attrs["preprocessing"] = json.dumps(attributes)
    error = call(monkeypatch, "score", released, path, "--output", tmp_path / "scores.parquet")
    assert "of normalisation difference_mad_clipped, found channel" in error


def test_a_labels_file_that_is_gone_is_asked_for(study, tmp_path):
    copy = shutil.copytree(study, tmp_path / "des_study")
    labels = (copy / "labels.parquet").rename(tmp_path / "elsewhere.parquet")
    with pytest.raises(ContractError, match=r"labels\.parquet does not exist, but the run .* with --labels"):
        open_run(copy / "second/new/network_1")
    (survey,) = open_run(copy / "second/new/network_1", labels=labels).surveys
    assert survey.stamps.attributes["labels"] == survey.stamps.attributes["labels"] | {
        "name": "elsewhere.parquet",
        "replaced": 96,
        "changed": 4,
    }


def places(value, wildcards) -> list[Path | None]:
    """What a rule's input or output is for some wildcards; one None for none."""
    asked = value(SimpleNamespace(**wildcards)) if callable(value) else value
    paths = [asked] if isinstance(asked, str) else asked or [None]
    named = [path and re.sub(r"\{(\w+)(,[^{}]*)?\}", lambda name: wildcards[name[1]], path) for path in paths]
    return [path and Path(path.replace("<results>", "results")).resolve() for path in named]


@pytest.mark.parametrize(
    ("rule", "wildcards"),
    [
        ("des_study_network", {"trained": "first", "network": "network_1"}),
        ("des_study_network", {"trained": "second/old", "network": "network_1"}),
        ("des_study_network", {"trained": "second/new", "network": "network_4"}),
        ("des_study_search", {"network": "network_1"}),
        ("des_study_further", {}),
    ],
)
def test_files_are_where_the_rules_have_them(rule, wildcards):
    found = loaded_rules()[rule]
    inputs = dict(found.input.items())
    models = places([path for path in found.output if path.endswith("/model.pt")], wildcards)
    (stamps,), (labels,) = (places(inputs[name], wildcards) for name in ("stamps", "labels"))
    for model, splits in zip(models, places(inputs["splits"], wildcards), strict=True):
        assert files_in_study(model.parent) == (stamps, splits, labels)


def test_other_runs_are_none_of_the_study(tmp_path):
    assert files_in_study(tmp_path / "results/baseline/DES/seed-0") is None
    assert files_in_study(tmp_path / "results/des_study/new-survey/before") is None
