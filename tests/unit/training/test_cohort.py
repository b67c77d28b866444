"""Cohorts, the store, and the promise that labels out of reach stay out of reach."""

import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from fake_surveys import FRACTIONS, flip_labels, write_survey
from fake_training import TRAINING
from stampshift.config.experiment import Run
from stampshift.core.errors import ConfigError, ContractError
from stampshift.core.files import read_json
from stampshift.metrics.metrics import evaluate
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Splits, make_splits
from stampshift.training.cohort import CohortError, train_and_publish, train_cohort
from stampshift.training.data import SurveyFiles, TrainingData
from stampshift.training.execute import Job, Plan, prepare
from stampshift.training.jobs import Cohort, Neighbour, adapt, search_entropy_weight, transfer_baselines
from stampshift.training.loop import fit
from stampshift.training.model import Model, predict
from stampshift.training.run_folder import copy_run

CPU = torch.device("cpu")
MME = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "temperature": 0.05,
}
OPTIONS = {"finetune": {}, "scratch": {}, "mme": {**MME, "entropy_weight": 0.1}}
ZERO_LABEL = {
    "adabn": {},
    "coral": {"weight": 0.5},
    "mmd": {"weight": 0.5},
    "dann": {"weight": 0.5},
    "entropy": {"entropy_weight": 0.5},
}


def baseline_plan(files, training=TRAINING, network="bolivar", labels=None):
    return Plan(
        run=Run("baseline", "A", None, 0, 0),
        folder="baseline/A/seed-0",
        method="baseline",
        network=network,
        files={"A": SurveyFiles(files["stamps"]["A"], files["splits"]["A"], labels)},
        baseline=None,
        options={},
        training=training,
        validation_shots=0,
    )


def adaptation_plan(
    files, baseline, method="mme", shots=2, seed=0, training=TRAINING, name=None, options=None
):
    run = Run(name or method, "A", "B", shots, seed)
    return Plan(
        run=run,
        folder=run.folder,
        method=method,
        network="bolivar",
        files={name: SurveyFiles(files["stamps"][name], files["splits"][name], None) for name in "AB"},
        baseline=baseline,
        options={**OPTIONS[method], **(options or {})},
        training=training,
        validation_shots=5,
    )


def cohort_of(files, name, options, method="mme"):
    stamps = {name: files["stamps"][name] for name in "AB"}
    return Cohort(name, method, "bolivar", "A", "B", ["A"], stamps, options, TRAINING, 5, "float32")


def job_in(folder, threads=1):
    return Job(results=folder, device=CPU, threads=threads, checkpoint_epochs=1, log_file=None)


@pytest.fixture(scope="module")
def baseline(survey_files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("baseline")
    plan, job = baseline_plan(survey_files), job_in(folder)
    train_cohort([plan], job)
    copy_run(job.record(plan), folder)
    return folder / "model.pt"


def contents(job, plan, names=("model.pt", "predictions.parquet")):
    return [(job.record(plan) / name).read_bytes() for name in names]


@pytest.mark.parametrize("method", ["finetune", "mme"])
def test_a_run_alone_equals_the_run_within_its_cohort(tmp_path, survey_files, baseline, method):
    plans = [adaptation_plan(survey_files, baseline, method, shots=shots) for shots in (1, 2, 5)]
    together, alone = job_in(tmp_path / "together", threads=2), job_in(tmp_path / "alone")
    train_cohort(plans, together)
    train_cohort(plans[1:2], alone)
    assert contents(together, plans[1]) == contents(alone, plans[1])


def test_without_a_terminal_a_training_prints_a_line_a_minute(tmp_path, survey_files, told):
    """It cannot learn: two epochs after its first one it ends."""
    still = {"learning_rate": 1e-12, "momentum": 0.0, "max_epochs": None}
    train_cohort([baseline_plan(survey_files, TRAINING | still)], job_in(tmp_path))
    assert told() == [
        "baseline/A/seed-0: 1 of about 3 epochs in 0:01:00; about 0:02:00 remaining",
        "baseline/A/seed-0: 2 of about 3 epochs in 0:02:00; about 0:01:00 remaining",
        "baseline/A/seed-0: 3 of about 3 epochs in 0:03:00; about 0:00:00 remaining",
        "baseline A: 1 of 1 runs in 0:05:00; 0:00:00 remaining",
    ]


def test_what_a_record_holds(tmp_path, survey_files, baseline):
    plan, job = adaptation_plan(survey_files, baseline), job_in(tmp_path)
    train_cohort([plan], job)
    folder = job.record(plan)
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
    assert history.loc[history["kept"], "epoch"].tolist() == [metrics["kept_epoch"]]
    model = Model.open(folder / "model.pt")
    assert model.temperature == 0.05
    shots = Splits.open(survey_files["splits"]["B"]).shots(2)
    stamps = Stamps.open(survey_files["stamps"]["B"])
    scores = predict(model.classifier(CPU), stamps.stamps, shots, device=CPU)
    assert (
        metrics["training_balanced_accuracy"] == evaluate(stamps.labels[shots], scores)["balanced_accuracy"]
    )


def test_without_labelled_target_stamps_there_is_no_accuracy_on_them(tmp_path, survey_files, baseline):
    for plan in (
        baseline_plan(survey_files),
        adaptation_plan(survey_files, baseline, options={"labelled": ["source"]}),
    ):
        job = job_in(tmp_path)
        train_cohort([plan], job)
        assert read_json(job.record(plan) / "metrics.json")["training_balanced_accuracy"] is None


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
        unseen = np.setdiff1d(np.arange(400), np.concatenate(seen))
        flip_labels(path, unseen)
        hidden += len(unseen)
    assert hidden > 300
    for method in ("finetune", "mme", "scratch"):
        stores = []
        for label, files in (("given", survey_files), ("flipped", flipped)):
            plan, job = adaptation_plan(files, baseline, method), job_in(tmp_path / label)
            train_cohort([plan], job)
            folder = job.record(plan)
            stores.append((folder, pd.read_parquet(folder / "predictions.parquet")["score"]))
        (first, first_scores), (second, second_scores) = stores
        assert (first / "model.pt").read_bytes() == (second / "model.pt").read_bytes()
        assert first_scores.tolist() == second_scores.tolist()


def test_a_finished_run_is_kept_and_only_new_runs_train(tmp_path, survey_files, baseline):
    job = job_in(tmp_path)
    first = adaptation_plan(survey_files, baseline, shots=1)
    train_cohort([first], job)
    before = (job.record(first) / "metrics.json").stat().st_mtime_ns
    train_cohort([first, adaptation_plan(survey_files, baseline, shots=2)], job)
    assert (job.record(first) / "metrics.json").stat().st_mtime_ns == before
    assert len(list(tmp_path.glob("store/*/*"))) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"shots": 3},
        {"method": "finetune"},
        {"seed": 1},
        {"training": {**TRAINING, "momentum": 0.8}},
        {"name": "mme_other"},
        {"options": {"labelled": ["source"]}},
        {"options": {"head": "copied"}},
        {"options": {"steps": "two"}},
        {"options": {"entropy_weight": 0}},
    ],
)
def test_whatever_decides_a_result_changes_its_key(survey_files, baseline, change):
    assert adaptation_plan(survey_files, baseline).key(CPU) != adaptation_plan(
        survey_files, baseline, **change
    ).key(CPU)


def test_a_variant_has_the_draws_and_the_code_of_its_method_and_its_own_folder(survey_files, baseline):
    method = adaptation_plan(survey_files, baseline)
    variant = adaptation_plan(survey_files, baseline, name="mme_two", options={"steps": "two"})
    assert variant.entropy == method.entropy
    assert variant.code == method.code
    assert variant.run.folder == "mme_two/A-to-B/shots-2/seed-0"
    scratch = adaptation_plan(survey_files, baseline, "scratch")
    assert scratch.entropy != method.entropy
    assert scratch.code != method.code


def test_a_variant_that_changes_nothing_scores_as_its_method(tmp_path, survey_files, baseline):
    method, variant = (adaptation_plan(survey_files, baseline, name=name) for name in ("mme", "mme_again"))
    train_cohort([method, variant], job_in(tmp_path))
    assert contents(job_in(tmp_path), method) == contents(job_in(tmp_path), variant)


def test_without_target_labels_in_the_batch_the_shots_labels_change_nothing(tmp_path, survey_files, baseline):
    """Flip the labels of the shots: MME whose labelled batch is of the source ends with the same bytes."""
    shutil.copytree(survey_files["stamps"]["B"].parent, tmp_path / "flipped")
    flipped = {
        kind: {name: tmp_path / "flipped" / path.name for name, path in paths.items()}
        for kind, paths in survey_files.items()
    }
    flip_labels(flipped["stamps"]["B"], Splits.open(flipped["splits"]["B"]).shots(2))
    models = {}
    for labelled in (["source"], ["source", "target"]):
        for label, files in (("given", survey_files), ("flipped", flipped)):
            plan = adaptation_plan(files, baseline, options={"labelled": labelled})
            job = job_in(tmp_path / f"{label}-{len(labelled)}")
            train_cohort([plan], job)
            (models[label, len(labelled)],) = contents(job, plan, ["model.pt"])
    assert models["given", 1] == models["flipped", 1]
    assert models["given", 2] != models["flipped", 2]


def without_labels(job, files, baseline, method, options, weight):
    """Folder of a run with 0 shots."""
    adapt(
        job,
        cohort_of(files, method, options, method),
        shots=[0],
        seeds=[0],
        splits=[files["splits"]],
        baselines=[baseline],
        entropy_weight_files=[],
        weight_without_labels=weight,
    )
    return job.results / f"{method}/A-to-B/shots-0/seed-0"


@pytest.mark.parametrize("method", ["mme", *ZERO_LABEL])
def test_with_no_shots_no_label_of_the_target_is_reached(tmp_path, survey_files, baseline, method):
    """Flip every label of the target: model, history and scores stay the same, byte for byte."""
    options, weight = (MME, 0.3) if method == "mme" else (ZERO_LABEL[method], None)
    shutil.copytree(survey_files["stamps"]["B"].parent, tmp_path / "flipped")
    flipped = {
        kind: {name: tmp_path / "flipped" / path.name for name, path in paths.items()}
        for kind, paths in survey_files.items()
    }
    flip_labels(flipped["stamps"]["B"], np.arange(400))
    records = []
    for label, files in (("given", survey_files), ("flipped", flipped)):
        records.append(without_labels(job_in(tmp_path / label), files, baseline, method, options, weight))
    for name in ("model.pt", "history.parquet"):
        tables = [(record / name).read_bytes() for record in records]
        if name.endswith("parquet"):
            tables = [pd.read_parquet(record / name).drop(columns="seconds").to_csv() for record in records]
        assert tables[0] == tables[1], name
    scores = [pd.read_parquet(record / "predictions.parquet")["score"].tolist() for record in records]
    assert scores[0] == scores[1]
    metrics = read_json(records[0] / "metrics.json")
    if method == "mme":
        assert metrics["entropy_weight"] == 0.3
        options = {**MME, "labelled": ["source"], "entropy_weight": 0.3}
    assert (metrics["options"], metrics["validation_shots"]) == (options, 0)
    assert method != "adabn" or metrics["epochs"] == 1
    assert metrics["training_balanced_accuracy"] is None
    assert set(metrics["evaluation"]) == {"A", "B"}


@pytest.mark.parametrize("method", ["adabn", "dann"])
def test_a_model_without_labels_is_one_of_its_network_alone(tmp_path, survey_files, baseline, method):
    """No part that only the training has; of AdaBN every weight is the baseline's, and no statistic."""
    folder = without_labels(job_in(tmp_path), survey_files, baseline, method, ZERO_LABEL[method], None)
    before, after = Model.open(baseline).state, Model.open(folder / "model.pt").state
    assert after.keys() == before.keys()
    same = {name for name in after if torch.equal(before[name], after[name])}
    statistics = {name for name in after if name.endswith(("running_mean", "running_var"))}
    if method == "adabn":
        assert same == after.keys() - statistics
    else:
        assert not same & {"extractor.0.weight", "head.weight", "head.bias"}


def test_training_of_parts_goes_on_from_a_checkpoint(tmp_path, survey_files, baseline):
    """The domain classifier with it: the same bytes as of a training never interrupted."""
    cohort = cohort_of(survey_files, "dann", {"weight": 0.5}, "dann")
    plan = cohort.plan(shots=0, seed=0, splits=survey_files["splits"], baseline=baseline, weight=None)
    task, checkpoints = prepare(plan, device=CPU), []
    given = {"checkpoint_epochs": 1, "on_epoch": lambda progress: None}
    whole = fit(task, checkpoint=None, save_checkpoint=checkpoints.append, **given)
    resumed = fit(task, checkpoint=checkpoints[0], save_checkpoint=lambda content: None, **given)
    assert "parts.domain.0.weight" in checkpoints[0]["classifier"]
    for epoch, state in whole.states.items():
        assert all(torch.equal(value, resumed.states[epoch][name]) for name, value in state.items())


def test_with_no_shots_the_weight_that_labels_chose_is_not_used(tmp_path, survey_files, baseline):
    cohort = cohort_of(survey_files, "mme", MME)
    chosen = tmp_path / "A-to-B.json"
    chosen.write_text('{"chosen": 10}')
    splits = survey_files["splits"]
    adapt(
        job_in(tmp_path),
        cohort,
        shots=[0, 1],
        seeds=[0],
        splits=[splits],
        baselines=[baseline],
        entropy_weight_files=[chosen],
        weight_without_labels=0.1,
    )
    found = {
        shots: read_json(tmp_path / f"mme/A-to-B/shots-{shots}/seed-0/metrics.json")["entropy_weight"]
        for shots in (0, 1)
    }
    assert found == {0: 0.1, 1: 10}


def test_with_no_shots_the_data_hold_no_label_of_the_target(survey_files):
    files = {
        name: SurveyFiles(survey_files["stamps"][name], survey_files["splits"][name], None) for name in "AB"
    }
    data = TrainingData.open(Run("mme", "A", "B", 0, 0), files, sources=["A"], validation_shots=5)
    assert (data.target, data.target_validation) == (None, None)
    assert data.unlabelled.rows.tolist() == np.sort(Splits.open(survey_files["splits"]["B"]).train).tolist()
    for ask in (data.labelled, data.validation):
        with pytest.raises(ValueError, match="adaptation without labels"):
            ask("target")


def test_from_scratch_knows_nothing_of_the_source(tmp_path, survey_files, baseline):
    """With other stamps as source, and another baseline, the same weights come out."""
    other_source = {
        "stamps": {**survey_files["stamps"], "A": survey_files["stamps"]["B"]},
        "splits": {**survey_files["splits"], "A": survey_files["splits"]["B"]},
    }
    models = []
    for label, files, start in (("given", survey_files, baseline), ("other", other_source, None)):
        plan, job = adaptation_plan(files, start, "scratch"), job_in(tmp_path / label)
        train_cohort([plan], job)
        models += contents(job, plan, ["model.pt"])
    assert models[0] == models[1]


def test_a_variants_own_search_trains_it_under_its_name(tmp_path, survey_files, baseline):
    job = job_in(tmp_path)
    options = {**MME, "steps": "two"}
    search_entropy_weight(
        job,
        cohort_of(survey_files, "mme_two", options),
        shots=[1],
        splits=survey_files["splits"],
        baseline=baseline,
        search={"choice": "search", "grid": [0.5], "seed": 0},
        output=tmp_path / "lambda" / "mme_two" / "A-to-B.json",
    )
    assert read_json(tmp_path / "lambda" / "mme_two" / "A-to-B.json")["chosen"] == 0.5
    plan = adaptation_plan(
        survey_files, baseline, shots=1, name="mme_two", options={**options, "entropy_weight": 0.5}
    )
    metrics = read_json(job.record(plan) / "metrics.json")
    assert (metrics["method"], metrics["trained_by"], metrics["options"]["steps"]) == (
        "mme_two",
        "mme",
        "two",
    )


def test_one_failing_run_is_named_and_the_others_finish(tmp_path, survey_files, baseline):
    good = adaptation_plan(survey_files, baseline, "finetune", shots=1)
    bad = adaptation_plan(
        survey_files, baseline, "finetune", shots=2, training={**TRAINING, "learning_rate": 1e30}
    )
    for threads in (1, 2):
        job = job_in(tmp_path / str(threads), threads)
        with pytest.raises(CohortError, match=r"1 of 2 runs failed.\nfinetune/A-to-B/shots-2/seed-0: .* nan"):
            train_cohort([bad, good], job)
        assert job.store.has(good.key(CPU))
        assert not job.store.has(bad.key(CPU))


def test_runs_ahead_train_with_a_cohort_for_their_own_job_to_find(tmp_path, survey_files, baseline):
    own, other = (adaptation_plan(survey_files, baseline, "finetune", shots=shots) for shots in (1, 2))
    bad = adaptation_plan(
        survey_files, baseline, "finetune", shots=3, training={**TRAINING, "learning_rate": 1e30}
    )
    job, alone = job_in(tmp_path / "wide"), job_in(tmp_path / "alone")
    train_and_publish([own], job, ahead=[bad, other])  # one that fails is its own job's to report
    assert (job.results / own.folder / "model.pt").exists()
    assert not (job.results / other.folder).exists()
    trained = (job.record(other) / "model.pt").stat().st_mtime_ns
    train_and_publish([other], job)
    assert (job.record(other) / "model.pt").stat().st_mtime_ns == trained
    train_cohort([own, other], alone)
    for plan in (own, other):
        assert contents(job, plan) == contents(alone, plan)
    with pytest.raises(CohortError, match="1 of 1 runs failed"):
        train_cohort([bad], job)


def test_one_job_trains_the_runs_of_a_sources_targets(tmp_path, survey_files, baseline):
    """Search and adaptation of one target train those of the other, whose own jobs then train nothing."""
    stamps = {**survey_files["stamps"], "C": write_survey(tmp_path, "C", width=2.0)}
    splits = {**survey_files["splits"], "C": tmp_path / "C.npz"}
    make_splits(Stamps.open(stamps["C"]), fractions=FRACTIONS, seed=0).save(splits["C"])
    weights = {name: tmp_path / f"A-to-{name}.json" for name in "BC"}
    cohort = cohort_of(survey_files, "mme", MME)
    cohorts = {
        name: replace(cohort, target=name, stamps={each: stamps[each] for each in ("A", name)})
        for name in "BC"
    }
    together, apart = job_in(tmp_path / "together"), job_in(tmp_path / "apart")

    def run(job, target, neighbours, chosen):
        pair = {name: splits[name] for name in ("A", target)}
        search_entropy_weight(
            job, cohorts[target], shots=[1], splits=pair, baseline=baseline,
            search={"choice": "search", "grid": [0.1, 1], "seed": 0}, output=weights[target],
            neighbours=neighbours,
        )  # fmt: skip
        adapt(
            job, cohorts[target], shots=[1, 2], seeds=[0], splits=[pair], baselines=[baseline],
            entropy_weight_files=[chosen[target]], weight_without_labels=None, neighbours=neighbours,
        )  # fmt: skip

    chosen = {name: tmp_path / f"chosen-{name}.json" for name in "BC"}
    for name, weight in (("B", 0.1), ("C", 1.0)):
        chosen[name].write_text(f'{{"chosen": {weight}}}')
    other = Neighbour("C", stamps["C"], [splits["C"]], [chosen["C"]])
    run(together, "B", [other], chosen)
    assert (
        len(list(together.results.glob("store/*/*/model.pt"))) == 6
    )  # 2 of each search and 1 more of each pair
    assert not (together.results / "mme/A-to-C").exists()
    trained = {path: path.stat().st_mtime_ns for path in together.results.glob("store/*/*/model.pt")}
    run(together, "C", [], chosen)
    assert {path: path.stat().st_mtime_ns for path in together.results.glob("store/*/*/model.pt")} == trained
    run(apart, "C", [], chosen)
    for shots in (1, 2):
        for name in ("model.pt", "predictions.parquet"):
            path = f"mme/A-to-C/shots-{shots}/seed-0/{name}"
            assert (together.results / path).read_bytes() == (apart.results / path).read_bytes()


def test_too_many_shots_fail_by_name(tmp_path, survey_files, baseline):
    with pytest.raises(CohortError, match="B: 300 shots per class were asked for"):
        train_cohort([adaptation_plan(survey_files, baseline, shots=300)], job_in(tmp_path))


def test_a_broken_checkpoint_costs_nothing_but_time(tmp_path, survey_files, baseline):
    plan = adaptation_plan(survey_files, baseline)
    whole, resumed = job_in(tmp_path / "whole"), job_in(tmp_path / "resumed")
    train_cohort([plan], whole)
    checkpoint = resumed.record(plan).with_suffix(".checkpoint")
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"half a checkpo")
    train_cohort([plan], resumed)
    assert contents(whole, plan) == contents(resumed, plan)
    assert not checkpoint.exists()


def test_the_search_chooses_by_validation_and_serves_the_experiment(tmp_path, survey_files, baseline):
    job = job_in(tmp_path)
    search_entropy_weight(
        job,
        cohort_of(survey_files, "mme", MME),
        shots=[1, 2],
        splits=survey_files["splits"],
        baseline=baseline,
        search={"choice": "search", "grid": [0.1, 1], "seed": 0},
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
    assert record["chosen"] in means.index[means == means.max()]
    assert record["tied"][0] == record["chosen"]
    evaluated = read_json(job.record(adaptation_plan(survey_files, baseline, shots=2)) / "metrics.json")
    on_test = {name: evaluated["evaluation"][name]["balanced_accuracy"] for name in "AB"}
    assert record["test"][1] == {
        "entropy_weight": 0.1, "shots": 2, "source": on_test["A"], "target": on_test["B"]
    }  # fmt: skip
    assert job.store.has(adaptation_plan(survey_files, baseline, shots=2).key(CPU))


def test_a_baseline_is_scored_on_another_surveys_test_part(tmp_path, survey_files, baseline):
    job = job_in(tmp_path)
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


# ---- other networks, other labels, another start ----------------------------------------------------------


def write_labels(survey, path, *, flipped):
    labels = survey.labels.copy()
    labels[flipped] = 1 - labels[flipped]
    table = {"row": np.arange(len(survey)), "id": survey.ids, "old_label": survey.labels, "label": labels}
    pd.DataFrame(table).to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("changed", ["train", "validation", "test"])
def test_labels_of_a_file_are_trained_on_validated_with_and_kept_with_the_scores(
    tmp_path, survey_files, surveys, splits, changed
):
    part, job = splits["A"], job_in(tmp_path)
    flipped = getattr(part, changed)[:9]
    same = write_labels(surveys["A"], tmp_path / "same.parquet", flipped=[])
    other = write_labels(surveys["A"], tmp_path / "other.parquet", flipped=flipped)
    plans = [baseline_plan(survey_files, labels=labels) for labels in (None, same, other)]
    train_cohort(plans, job)
    models = [contents(job, plan, ["model.pt"]) for plan in plans]
    assert models[0] == models[1]
    assert (models[0] != models[2]) is (changed == "train") or changed == "validation"
    accuracies = [
        read_json(job.record(plan) / "metrics.json")["validation_balanced_accuracy"] for plan in plans
    ]
    assert accuracies[0] == accuracies[1]
    assert changed != "validation" or accuracies[2] < accuracies[0]
    predictions = pd.read_parquet(job.record(plans[2]) / "predictions.parquet")
    expected = surveys["A"].labels[part.test]
    assert (
        predictions["label"].tolist()
        == np.where(np.isin(part.test, flipped), 1 - expected, expected).tolist()
    )
    assert len({plan.key(CPU) for plan in plans}) == 3


def test_labels_of_other_stamps_stop_the_run_by_name(tmp_path, survey_files, surveys):
    path = write_labels(surveys["B"], tmp_path / "labels.parquet", flipped=[])
    with pytest.raises(
        CohortError, match=r"baseline/A/seed-0: .*row 0 should be candidate A-0 of A, found B-0"
    ):
        train_cohort([baseline_plan(survey_files, labels=path)], job_in(tmp_path))


def test_the_network_decides_the_key_and_is_kept_in_model_and_metrics(tmp_path, survey_files):
    training = TRAINING | {"max_epochs": 1}
    plan = baseline_plan(survey_files, training, network="network_1")
    other = baseline_plan(survey_files, training, network="network_4")
    assert plan.key(CPU) != other.key(CPU) != baseline_plan(survey_files, training).key(CPU)
    assert plan.entropy == other.entropy  # networks are compared on the same draws
    train_cohort([plan], job_in(tmp_path))
    folder = job_in(tmp_path).record(plan)
    assert Model.open(folder / "model.pt").network == "network_1"
    assert read_json(folder / "metrics.json")["network"] == "network_1"


def test_training_further_starts_from_the_weights_that_it_is_given(tmp_path, survey_files, baseline):
    """With a learning rate next to nothing the first epoch scores as the model that it started from."""
    start = replace(
        baseline_plan(survey_files, TRAINING | {"learning_rate": 1e-12, "momentum": 0.0, "max_epochs": 1}),
        run=Run("further", "A", None, 0, 0),
        folder="further",
        method="further",
        baseline=baseline,
    )
    train_cohort([start], job_in(tmp_path))
    state = Model.open(job_in(tmp_path).record(start) / "model.pt").state
    given = Model.open(baseline).state
    for name, value in given.items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(state[name], value, rtol=0, atol=1e-8)


def test_stamps_that_changed_since_they_were_written_are_not_trained_on(survey_files, tmp_path):
    path = Path(shutil.copy(survey_files["stamps"]["A"], tmp_path))
    with h5py.File(path, "r+") as file:
        file["stamps"][7, 0, 10, 10] += 1
    plan = baseline_plan({"stamps": {"A": path}, "splits": survey_files["splits"]})
    with pytest.raises(ContractError, match=r"A\.h5: its content has changed since it was written"):
        train_cohort([plan], job_in(tmp_path))
    assert not job_in(tmp_path).record(plan).exists()


def test_a_damaged_record_is_trained_again_with_the_same_bytes(survey_files, tmp_path):
    plan, job = baseline_plan(survey_files), job_in(tmp_path)
    train_and_publish([plan], job)
    first = contents(job, plan)
    predictions = job.record(plan) / "predictions.parquet"
    predictions.write_bytes(predictions.read_bytes()[:-1] + b"x")
    train_and_publish([plan], job)
    assert contents(job, plan) == first
    assert (tmp_path / plan.folder / "predictions.parquet").read_bytes() == first[1]


def test_the_precision_changes_weights_and_key_and_is_kept_in_the_metrics(
    tmp_path, survey_files, monkeypatch
):
    """Bfloat16 on a CPU, which is slow where the CPU has no instructions for it, and the same arithmetic."""
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    whole = baseline_plan(survey_files, TRAINING | {"max_epochs": 1}, network="network_1")
    plans = [whole, replace(whole, precision="bfloat16", folder="low")]
    assert plans[0].key(CPU) != plans[1].key(CPU)
    assert plans[0].entropy == plans[1].entropy
    job = job_in(tmp_path)
    train_cohort(plans, job)
    folders = [job.record(plan) for plan in plans]
    assert [read_json(folder / "metrics.json")["precision"] for folder in folders] == ["float32", "bfloat16"]
    states = [Model.open(folder / "model.pt").state for folder in folders]
    assert all(value.dtype != torch.bfloat16 for value in states[1].values())
    assert any(not torch.equal(states[0][name], value) for name, value in states[1].items())
    histories = [pd.read_parquet(folder / "history.parquet") for folder in folders]
    first, low = (history["train_loss"].iloc[0] for history in histories)
    assert low == pytest.approx(first, rel=0.05)


def test_a_precision_that_the_device_does_not_have_stops_the_job_before_it_trains(tmp_path, survey_files):
    plan = replace(baseline_plan(survey_files), precision="tf32")
    with pytest.raises(ConfigError, match=r"execution\.precision is 'tf32', which only GPUs have"):
        train_cohort([plan], job_in(tmp_path))
    assert not job_in(tmp_path).store.has(plan.key(CPU))
