"""Cohorts, the store, and the promise that labels out of reach stay out of reach."""

import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from stampshift.evaluation.metrics import evaluate
from stampshift.experiment import Run
from stampshift.files import read_json
from stampshift.splits import Splits
from stampshift.stamps import Stamps
from stampshift.training.cohort import CohortError, train_cohort
from stampshift.training.jobs import Job, search_entropy_weight, transfer_baselines
from stampshift.training.model import Model
from stampshift.training.plan import Plan
from stampshift.training.store import Store

CPU = torch.device("cpu")
TRAINING = {
    "learning_rate": 0.01,
    "momentum": 0.9,
    "halve_every_iterations": 100_000,
    "batch_size": 20,
    "epoch_size": 100,
    "patience_epochs": 2,
    "max_epochs": 2,
}
OPTIONS = {"finetune": {}, "mme": {"temperature": 0.05, "entropy_weight": 0.1}}


def baseline_plan(files, training=TRAINING):
    return Plan(
        run=Run("baseline", "A", None, 0, 0),
        stamps={"A": files["stamps"]["A"]},
        splits={"A": files["splits"]["A"]},
        baseline=None,
        options={},
        training=training,
        validation_shots=0,
    )


def adaptation_plan(files, baseline, method="mme", shots=2, seed=0, training=TRAINING):
    return Plan(
        run=Run(method, "A", "B", shots, seed),
        stamps=files["stamps"],
        splits=files["splits"],
        baseline=baseline,
        options=OPTIONS[method],
        training=training,
        validation_shots=5,
    )


def train(plans, store, threads=1):
    train_cohort(plans, store=store, device=CPU, threads=threads, checkpoint_epochs=1, log_file=None)


@pytest.fixture(scope="module")
def baseline(survey_files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("baseline")
    plan, store = baseline_plan(survey_files), Store(folder / "store")
    train([plan], store)
    store.publish(plan.key(CPU), folder)
    return folder / "model.pt"


def contents(store, plan, names=("model.pt", "predictions.parquet")):
    return [(store.record(plan.key(CPU)) / name).read_bytes() for name in names]


@pytest.mark.parametrize("method", ["finetune", "mme"])
def test_a_run_alone_equals_the_run_within_its_cohort(tmp_path, survey_files, baseline, method):
    plans = [adaptation_plan(survey_files, baseline, method, shots=shots) for shots in (1, 2, 5)]
    together, alone = Store(tmp_path / "together"), Store(tmp_path / "alone")
    train(plans, together, threads=2)
    train(plans[1:2], alone)
    assert contents(together, plans[1]) == contents(alone, plans[1])


def test_what_a_record_holds(tmp_path, survey_files, baseline):
    plan, store = adaptation_plan(survey_files, baseline), Store(tmp_path)
    train([plan], store)
    folder = store.record(plan.key(CPU))
    metrics = read_json(folder / "metrics.json")
    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert (metrics["method"], metrics["source"], metrics["target"]) == ("mme", "A", "B")
    assert (metrics["shots"], metrics["seed"], metrics["entropy_weight"]) == (2, 0, 0.1)
    assert set(metrics["evaluation"]) == {"A", "B"}
    for survey in "AB":
        rows = predictions[predictions["survey"] == survey]
        assert rows["row"].tolist() == Splits.open(survey_files["splits"][survey]).test.tolist()
        assert metrics["evaluation"][survey] == evaluate(rows["label"], rows["score"])
    history = pd.read_parquet(folder / "history.parquet")
    assert history["epoch"].tolist() == list(range(1, metrics["epochs"] + 1))
    assert history["validation_balanced_accuracy"].max() == metrics["validation_balanced_accuracy"]
    assert Model.open(folder / "model.pt").temperature == 0.05


def test_no_label_of_the_unlabelled_set_or_of_a_test_part_reaches_training(tmp_path, survey_files, baseline):
    """Flip every label that training must not see: model and scores stay the same, byte for byte."""
    shutil.copytree(survey_files["stamps"]["A"].parent, tmp_path / "flipped")
    flipped = {
        kind: {name: tmp_path / "flipped" / path.name for name, path in paths.items()}
        for kind, paths in survey_files.items()
    }
    hidden = 0
    for name, path in flipped["stamps"].items():
        splits = Splits.open(flipped["splits"][name])
        seen = (
            [splits.shots(2), splits.validation_shots(5)]
            if name == "B"
            else [splits.train, splits.validation]
        )
        with h5py.File(path, "r+") as file:
            labels = file["label"][:]
            unseen = np.setdiff1d(np.arange(len(labels)), np.concatenate(seen))
            labels[unseen] = 1 - labels[unseen]
            file["label"][:] = labels
            hidden += len(unseen)
    assert hidden > 300
    for method in ("finetune", "mme"):
        stores = []
        for label, files in (("given", survey_files), ("flipped", flipped)):
            plan, store = adaptation_plan(files, baseline, method), Store(tmp_path / label)
            train([plan], store)
            folder = store.record(plan.key(CPU))
            stores.append((folder, pd.read_parquet(folder / "predictions.parquet")["score"]))
        (first, first_scores), (second, second_scores) = stores
        assert (first / "model.pt").read_bytes() == (second / "model.pt").read_bytes()
        assert first_scores.tolist() == second_scores.tolist()


def test_a_finished_run_is_kept_and_only_new_runs_train(tmp_path, survey_files, baseline):
    store = Store(tmp_path)
    first = adaptation_plan(survey_files, baseline, shots=1)
    train([first], store)
    before = (store.record(first.key(CPU)) / "metrics.json").stat().st_mtime_ns
    train([first, adaptation_plan(survey_files, baseline, shots=2)], store)
    assert (store.record(first.key(CPU)) / "metrics.json").stat().st_mtime_ns == before
    assert len(list(tmp_path.glob("*/*"))) == 2


@pytest.mark.parametrize(
    "change",
    [{"shots": 3}, {"method": "finetune"}, {"seed": 1}, {"training": {**TRAINING, "momentum": 0.8}}],
)
def test_whatever_decides_a_result_changes_its_key(survey_files, baseline, change):
    assert adaptation_plan(survey_files, baseline).key(CPU) != adaptation_plan(
        survey_files, baseline, **change
    ).key(CPU)


def test_one_failing_run_is_named_and_the_others_finish(tmp_path, survey_files, baseline):
    good = adaptation_plan(survey_files, baseline, "finetune", shots=1)
    bad = adaptation_plan(
        survey_files, baseline, "finetune", shots=2, training={**TRAINING, "learning_rate": 1e30}
    )
    for threads in (1, 2):
        store = Store(tmp_path / str(threads))
        with pytest.raises(CohortError, match=r"1 of 2 runs failed.\nfinetune/A-to-B/shots-2/seed-0: .* nan"):
            train([bad, good], store, threads=threads)
        assert store.has(good.key(CPU))
        assert not store.has(bad.key(CPU))


def test_too_many_shots_fail_by_name(tmp_path, survey_files, baseline):
    with pytest.raises(CohortError, match="B: 300 shots per class were asked for"):
        train([adaptation_plan(survey_files, baseline, shots=300)], Store(tmp_path))


def test_a_broken_checkpoint_costs_nothing_but_time(tmp_path, survey_files, baseline):
    plan = adaptation_plan(survey_files, baseline)
    whole, resumed = Store(tmp_path / "whole"), Store(tmp_path / "resumed")
    train([plan], whole)
    checkpoint = resumed.record(plan.key(CPU)).with_suffix(".checkpoint")
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"half a checkpo")
    train([plan], resumed)
    assert contents(whole, plan) == contents(resumed, plan)
    assert not checkpoint.exists()


def test_the_search_chooses_by_validation_and_serves_the_experiment(tmp_path, survey_files, baseline):
    job = Job(results=tmp_path, device="cpu", threads=1, checkpoint_epochs=5, log_file=tmp_path / "log")
    search_entropy_weight(
        job,
        method="mme",
        source="A",
        target="B",
        shots=[1, 2],
        stamps=(survey_files["stamps"]["A"], survey_files["stamps"]["B"]),
        splits=(survey_files["splits"]["A"], survey_files["splits"]["B"]),
        baseline=baseline,
        options={"temperature": 0.05, "entropy_weight": {"choice": "search", "grid": [0.1, 1], "seed": 0}},
        training=TRAINING,
        validation_shots=5,
        output=tmp_path / "lambda" / "A-to-B.json",
    )
    record = read_json(tmp_path / "lambda" / "A-to-B.json")
    assert [(row["entropy_weight"], row["shots"]) for row in record["search"]] == [
        (0.1, 1),
        (0.1, 2),
        (1, 1),
        (1, 2),
    ]
    means = pd.DataFrame(record["search"]).groupby("entropy_weight")["validation_balanced_accuracy"].mean()
    assert record["chosen"] == means.idxmax()
    assert job.store.has(adaptation_plan(survey_files, baseline, shots=2).key(CPU))


def test_a_baseline_is_scored_on_another_surveys_test_part(tmp_path, survey_files, baseline):
    job = Job(results=tmp_path, device="cpu", threads=1, checkpoint_epochs=5, log_file=tmp_path / "log")
    transfer_baselines(
        job,
        source="A",
        target="B",
        seeds=[0],
        stamps=survey_files["stamps"]["B"],
        splits=[survey_files["splits"]["B"]],
        models=[baseline],
        metrics=[baseline.parent / "metrics.json"],
    )
    folder = tmp_path / "baseline/A-to-B/shots-0/seed-0"
    metrics, predictions = read_json(folder / "metrics.json"), pd.read_parquet(folder / "predictions.parquet")
    assert list(metrics["evaluation"]) == ["B"]
    assert (metrics["source"], metrics["target"], metrics["shots"]) == ("A", "B", 0)
    assert predictions["row"].tolist() == Splits.open(survey_files["splits"]["B"]).test.tolist()
    labels = Stamps.open(survey_files["stamps"]["B"]).labels[predictions["row"]]
    assert predictions["label"].tolist() == labels.tolist()
