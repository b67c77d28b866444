"""The second study's trainings: a network, other labels, a network trained further."""

import numpy as np
import pandas as pd
import pytest
import torch

from stampshift.core.files import read_json
from stampshift.des_study.candidate_scores import score_candidates
from stampshift.des_study.training import train_further, train_networks
from stampshift.metrics.metrics import evaluate
from stampshift.stamps.file import UNLABELLED, Stamps
from stampshift.stamps.label_file import split_labelled
from stampshift.stamps.splits import Splits, make_folds, make_splits
from stampshift.stamps.writer import stamps_writer
from stampshift.training.execute import Job
from stampshift.training.model import Model, predict

CPU = torch.device("cpu")
TRAINING = {
    "optimiser": "adam",
    "learning_rate": 0.001,
    "momentum": None,
    "halve_every_iterations": None,
    "batch_size": 16,
    "epoch_size": None,
    "patience_epochs": 2,
    "max_epochs": 2,
    "keep": "first_best",
}
FILES = {"model.pt", "history.parquet", "predictions.parquet", "metrics.json", "SHA256SUMS"}


@pytest.fixture
def job(tmp_path):
    return Job(results=tmp_path, device=CPU, threads=1, checkpoint_epochs=5, log_file=tmp_path / "log")


def train(job, survey_files, *, folder, network, splits=None, labels=None):
    own = splits or survey_files["splits"]["A"]
    train_all(job, survey_files, folders=[folder], network=network, splits=[own], labels=labels)


def train_all(job, survey_files, *, folders, network, splits, labels=None):
    train_networks(
        job,
        survey="A",
        folders=folders,
        network=network,
        stamps=survey_files["stamps"]["A"],
        splits=splits,
        labels=labels,
        training=TRAINING,
        precision="float32",
        seed=0,
    )


def labels_file(survey, path, *, rows, flipped=()):
    labels = np.where(np.isin(rows, flipped), 1 - survey.labels[rows], survey.labels[rows])
    table = {"row": rows, "id": survey.ids[rows], "label": labels.astype(np.uint8)}
    pd.DataFrame(table).to_parquet(path, index=False)
    return path


def test_every_network_leaves_its_files(job, survey_files, splits):
    for folder, network in (("des_study/first/one", "network_1"), ("des_study/first/four", "network_4")):
        train(job, survey_files, folder=folder, network=network)
        assert {path.name for path in (job.results / folder).iterdir()} == FILES
        metrics = read_json(job.results / folder / "metrics.json")
        predictions = pd.read_parquet(job.results / folder / "predictions.parquet")
        assert (metrics["network"], metrics["method"], metrics["source"]) == (network, "baseline", "A")
        assert predictions["row"].tolist() == splits["A"].test.tolist()
        assert metrics["evaluation"]["A"] == evaluate(predictions["label"], predictions["score"])
        history = pd.read_parquet(job.results / folder / "history.parquet")
        assert {"train_loss", "validation_loss", "validation_accuracy"} <= set(history.columns)


def test_cross_fitting_scores_every_stamp_once_with_a_network_that_has_not_seen_it(
    job, survey_files, surveys, tmp_path
):
    paths = []
    for number, fold in enumerate(make_folds(surveys["A"], folds=2, validation=0.1, seed=0)):
        fold.save(tmp_path / f"fold-{number}.npz")
        paths.append(tmp_path / f"fold-{number}.npz")
    folders = ["search/fold-0", "search/fold-1"]
    train_all(job, survey_files, folders=folders, network="network_4", splits=paths)
    tables = [pd.read_parquet(job.results / folder / "predictions.parquet") for folder in folders]
    assert sorted(pd.concat(tables)["row"]) == list(range(400))
    for table, path in zip(tables, paths, strict=True):
        trained_on = Splits.open(path)
        assert not set(table["row"]) & (set(trained_on.train) | set(trained_on.validation))
    # a rerun of the job finds what is finished: a history has the seconds of its training
    files = [job.results / folder / name for folder in folders for name in ("model.pt", "history.parquet")]
    before = [path.read_bytes() for path in files]
    files[0].unlink()
    train_all(job, survey_files, folders=folders, network="network_4", splits=paths)
    assert [path.read_bytes() for path in files] == before


def test_corrected_labels_are_scored_against(job, survey_files, surveys, splits, tmp_path):
    flipped = splits["A"].test[:4]
    path = labels_file(surveys["A"], tmp_path / "labels.parquet", rows=np.arange(400), flipped=flipped)
    train(job, survey_files, folder="new", network="network_4", labels=path)
    predictions = pd.read_parquet(job.results / "new" / "predictions.parquet")
    wrong = predictions["label"].to_numpy() != surveys["A"].labels[predictions["row"]]
    assert predictions["row"][wrong].tolist() == flipped.tolist()
    assert predictions["label"].dtype == np.uint8


def test_a_network_is_trained_further_on_the_labels_of_a_new_survey(job, survey_files, surveys, tmp_path):
    """Survey B has labels of 200 of its 400 stamps, some against its own stamps file."""
    train(job, survey_files, folder="first", network="network_1")
    rows, flipped = np.arange(100, 300), np.arange(100, 300, 9)
    labels = labels_file(surveys["B"], tmp_path / "labels.parquet", rows=rows, flipped=flipped)
    fractions = {"train": 0.5, "validation": 0.2, "test": 0.3}
    new_splits = split_labelled(
        surveys["B"], labels, fractions=fractions, seed=0, grouped=True, stratified=True
    )
    new_splits.save(tmp_path / "new.npz")
    train_further(
        job,
        survey="B",
        before="before",
        after="after",
        stamps=survey_files["stamps"]["B"],
        splits=tmp_path / "new.npz",
        labels=labels,
        model=tmp_path / "first" / "model.pt",
        training=TRAINING,
        precision="float32",
        seed=0,
    )
    before, after = (
        pd.read_parquet(job.results / name / "predictions.parquet") for name in ("before", "after")
    )
    assert before["row"].tolist() == after["row"].tolist() == new_splits.test.tolist()
    voted = np.where(np.isin(rows, flipped), 1 - surveys["B"].labels[rows], surveys["B"].labels[rows])
    assert before["label"].tolist() == after["label"].tolist() == voted[new_splits.test - 100].tolist()
    first = Model.open(job.results / "first" / "model.pt").classifier(CPU)
    expected = predict(first, surveys["B"].stamps, new_splits.test, device=CPU)
    assert before["score"].tolist() == expected.tolist()
    assert {path.name for path in (job.results / "after").iterdir()} == FILES
    metrics = read_json(job.results / "after" / "metrics.json")
    assert (metrics["method"], metrics["source"], metrics["network"]) == ("further", "B", "network_1")
    assert not before["score"].equals(after["score"])


def test_splits_of_voted_stamps_are_stratified_by_the_votes(surveys, tmp_path):
    rows = np.arange(0, 400, 2)
    labels = labels_file(
        surveys["B"],
        tmp_path / "labels.parquet",
        rows=rows,
        flipped=rows[surveys["B"].labels[rows] == 0][:60],
    )
    fractions = {"train": 0.5, "validation": 0.2, "test": 0.3}
    found = split_labelled(surveys["B"], labels, fractions=fractions, seed=0, grouped=True, stratified=True)
    voted = dict(zip(rows, pd.read_parquet(labels)["label"], strict=True))
    assert {voted[row] for row in found.train_real} == {1}
    assert {voted[row] for row in found.train_bogus} == {0}
    share = np.mean(list(voted.values()))
    assert np.mean([voted[row] for row in found.test]) == pytest.approx(share, abs=0.04)
    assert sorted(np.concatenate([found.train, found.validation, found.test]).tolist()) == rows.tolist()


def test_without_voted_labels_all_stamps_are_split(surveys):
    fractions = {"train": 0.5, "validation": 0.2, "test": 0.3}
    found = split_labelled(surveys["B"], None, fractions=fractions, seed=0, grouped=True, stratified=True)
    assert found.test.tolist() == make_splits(surveys["B"], fractions=fractions, seed=0).test.tolist()


def hidden(survey, path, labels):
    """The stamps of a survey in a file with other labels of its own."""
    with stamps_writer(path, survey=survey.survey, size_pixels=survey.stamps.shape[-1]) as writer:
        writer.append(
            np.array(survey.stamps),
            labels=labels,
            classes=["unlabelled" if label == UNLABELLED else "other" for label in labels],
            ids=survey.ids.tolist(),
            groups=survey.groups.tolist(),
        )
    return path


def test_no_truth_of_a_new_survey_reaches_splits_training_or_scores(job, survey_files, surveys, tmp_path):
    """Whatever a stamps file says of its candidates, or if it says nothing: votes alone decide."""
    train(job, survey_files, folder="first", network="network_1")
    rows = np.arange(100, 300)
    labels = labels_file(surveys["B"], tmp_path / "labels.parquet", rows=rows, flipped=rows[::9])
    truth = surveys["B"].labels
    found = []
    for name, own in (("none", np.full_like(truth, UNLABELLED)), ("wrong", 1 - truth)):
        stamps = hidden(surveys["B"], tmp_path / f"{name}.h5", own)
        opened = Stamps.open(stamps, unlabelled=True)
        fractions = {"train": 0.5, "validation": 0.2, "test": 0.3}
        parts = split_labelled(opened, labels, fractions=fractions, seed=0, grouped=True, stratified=True)
        parts.save(tmp_path / f"{name}.npz")
        train_further(
            job,
            survey="B",
            before=f"before-{name}",
            after=f"after-{name}",
            stamps=stamps,
            splits=tmp_path / f"{name}.npz",
            labels=labels,
            model=tmp_path / "first" / "model.pt",
            training=TRAINING,
            seed=0,
            precision="float32",
        )
        after = job.results / f"after-{name}"
        model, table = Model.open(after / "model.pt"), pd.read_parquet(labels)
        scores = score_candidates(opened, model, labels=table, splits=parts, device=CPU)
        assert set(scores.loc[scores["label"].notna(), "row"]) == set(rows)
        written = [(after / file).read_bytes() for file in ("model.pt", "predictions.parquet")]
        found.append([(tmp_path / f"{name}.npz").read_bytes(), *written, scores.to_json()])
    assert found[0] == found[1]
