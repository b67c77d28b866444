"""The trainings of the second study in the workflow, on a tiny simulated survey."""

from copy import deepcopy

import pandas as pd
import pytest
import yaml

from loaded_rules import loaded_rules
from stampshift.core.files import read_json
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Splits
from tiny_project import ROOT, TINY, VOTED, copy_of_the_project

STUDY = {
    **deepcopy(TINY),
    "des_study": {
        "networks": ["network_1", "network_4"],
        "training": {"batch_size": 16, "patience_epochs": 1, "max_epochs": 1, "learning_rate": 0.001},
    },
}
TARGETS = [
    f"results/des_study/{name}/metrics.json"
    for name in (
        "first/network_1",
        "first/network_4",
        "search/network_1/fold-0",
        "search/network_1/fold-1",
        "second/old/network_4",
    )
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    project = copy_of_the_project(tmp_path_factory.mktemp("des_study"))
    project.run(*TARGETS, config=STUDY)
    return project


def test_stamps_are_whole_and_scaled_by_the_difference(trained):
    stamps = Stamps.open(trained.folder / "results/des_study/stamps.h5")
    assert stamps.stamps.shape == (150, 3, 51, 51)
    assert stamps.attributes["normalisation"] == "difference_mad"


def test_every_network_has_its_files_and_its_own_test_part(trained):
    folder = trained.folder / "results/des_study"
    files = {"model.pt", "history.parquet", "predictions.parquet", "metrics.json", "SHA256SUMS"}
    folds = [f"search/network_1/fold-{fold}" for fold in (0, 1)]
    for name in ("first/network_1", "first/network_4", "second/old/network_4", *folds):
        assert {path.name for path in (folder / name).iterdir()} == files
        network = "network_4" if name.endswith("4") else "network_1"
        assert read_json(folder / name / "metrics.json")["network"] == network
    scored = [pd.read_parquet(folder / fold / "predictions.parquet") for fold in folds]
    assert sorted(pd.concat(scored)["row"]) == list(range(150))


def test_a_second_call_has_nothing_to_do(trained):
    assert trained.jobs(*TARGETS, config=STUDY) == {}


def test_the_default_target_asks_for_none_of_it(trained):
    assert not [rule for rule in trained.jobs(config=STUDY) if rule.startswith("des_study")]


def test_a_changed_network_trains_again_and_leaves_stamps_and_the_main_study(trained):
    path = trained.folder / "workflow/stampshift/networks/ayyar.py"
    text = path.read_text()
    path.write_text(text.replace("HEAD_DROPOUT = 0.3", "HEAD_DROPOUT = 0.2"))
    try:
        expected = {"des_study_network": 3, "des_study_search": 1}
        assert trained.jobs(*TARGETS, config=STUDY) == expected
    finally:
        path.write_text(text)


def test_training_before_relabelling_needs_no_corrected_labels(trained):
    jobs = trained.jobs("results/des_study/second/old/network_1/metrics.json", "--forceall", config=STUDY)
    splits = {"des_study_splits": 1, "des_study_second_splits": 1}
    assert jobs == {"simulate": 1, "des_study_stamps": 1, "des_study_network": 1} | splits


def test_no_stamp_tests_after_relabelling_that_the_first_networks_were_trained_on(trained):
    folder = trained.folder / "results/des_study"
    first, second = (Splits.open(folder / f"splits/{part}.npz") for part in ("first", "second"))
    tested = pd.read_parquet(folder / "second/old/network_4/predictions.parquet")["row"]
    assert tested.tolist() == second.test.tolist()
    assert not set(tested) & (set(first.train) | set(first.validation))


def test_a_network_is_one_job_of_one_core_and_the_other_networks_are_not_asked_for(trained):
    jobs = trained.jobs("results/des_study/first/network_4/model.pt", "--forceall", config=STUDY)
    assert jobs["des_study_network"] == 1
    assert loaded_rules()["des_study_network"].resources["_cores"] == 1


NEW_SURVEY = VOTED | {
    "training": yaml.safe_load((ROOT / "config.yaml").read_text())["des_study"]["training"],
}


@pytest.mark.parametrize(
    ("start", "from_corrected_labels"), [({}, 1), ({"start": "second/new"}, 1), ({"start": "first"}, 0)]
)
def test_a_network_is_trained_further_from_the_one_that_corrected_labels_trained(
    trained, start, from_corrected_labels
):
    """As in the paper; or, if asked for, from the one of the archive's labels, which needs no review."""
    config = deepcopy(STUDY)
    config["surveys"]["DES"]["simulate"] = {"stamps": 150, "seed": 1, "flipped": 0.1}
    config["surveys"]["DECAT"] = {
        "reader": "packets",
        "origin": "simulate",
        "simulate": {"stamps": 60, "seed": 0},
        "classes": {"real": "real", "artifact": "bogus"},
        "invalid": {},
    }
    config["des_study"] |= {"relabels": {"origin": "planted", "path": None}}
    config["des_study"]["new_survey"] = NEW_SURVEY | start
    jobs = trained.jobs("results/des_study/new-survey/after/model.pt", "--forceall", config=config)
    assert jobs["des_study_network"] == 1
    assert jobs.get("des_study_labels", 0) == from_corrected_labels
