"""Features, forests, candidates, corrected labels and votes in the workflow; networks' files are made up."""

import re
import shutil
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

from stampshift.core.files import read_json, write_parquet
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import make_splits
from tiny_project import TINY, VOTED, copy_of_the_project

FRACTIONS = {"train": 0.5, "validation": 0.1, "test": 0.4}
PACKETS = {
    "reader": "packets",
    "classes": {"real": "real", "artifact": "bogus"},
    "invalid": {},
    "origin": "simulate",
}
CONFIG = deepcopy(TINY) | {
    "des_study": {
        "forest": {"trees": 10},
        "relabels": {"origin": "planted", "path": None},
        "search": {"networks": ["network_1"]},
        "new_survey": VOTED
        | {
            "training": {
                "optimiser": "adam",
                "learning_rate": 2e-5,
                "momentum": None,
                "halve_every_iterations": None,
                "batch_size": 10,
                "epoch_size": None,
                "patience_epochs": 1,
                "max_epochs": 1,
                "keep": "first_best",
            },
        },
    }
}
CONFIG["surveys"]["DES"]["simulate"] = {"stamps": 150, "seed": 1, "flipped": 0.1, "flipped_by": "chance"}
CONFIG["surveys"]["DECAT"] = PACKETS | {"simulate": {"stamps": 60, "seed": 0}}
ARCHIVE = "resources/raw/simulated/DES-150-seed-1-flipped-0.1-by-chance"
STUDY = "results/des_study"


def made_up_networks(study, stamps, truth):
    """Scores of the search's two folds: sure of the truth, but for the fifth and the tenth flip."""
    scores = np.where(truth == 1, 0.97, 0.02)
    flipped = np.flatnonzero(truth != stamps.labels)
    scores[flipped[[4, 9]]] = 0.5
    for fold in (0, 1):
        rows = np.arange(fold, len(stamps), 2)
        columns = {"row": rows, "label": stamps.labels[rows], "score": scores[rows].astype("f4")}
        write_parquet(
            study / f"search/network_1/fold-{fold}/predictions.parquet",
            pd.DataFrame({"survey": "DES"} | columns),
        )
    return flipped


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A project with planted flips in which everything but networks has run; and the rows of the flips."""
    project = copy_of_the_project(tmp_path_factory.mktemp("labelled"))
    project.run("results/stamps/DES.h5", config=CONFIG)
    study = project.folder / STUDY
    study.mkdir(parents=True)
    shutil.copy(project.folder / "results/stamps/DES.h5", study / "stamps.h5")
    stamps = Stamps.open(study / "stamps.h5")
    for part in ("first", "second"):
        make_splits(stamps, fractions=FRACTIONS, seed=0).save(study / f"splits/{part}.npz")
    planted = pd.read_csv(project.folder / ARCHIVE / "planted_flips.csv", dtype=str).set_index("ID")
    truth = 1 - planted.loc[stamps.ids, "OBJECT_TYPE"].astype(int).to_numpy()
    flipped = made_up_networks(study, stamps, truth)
    forests = [f"{folder}/forest" for folder in ("first", "second/old", "second/new")]
    targets = [f"{folder}/metrics.json" for folder in (*forests, "first/forest_of_stamps")]
    project.run(*[f"{STUDY}/{name}" for name in (*targets, "new-survey/labels.parquet")], config=CONFIG)
    return project, flipped


def with_relabels(**relabels):
    config = deepcopy(CONFIG)
    config["des_study"]["relabels"] = relabels
    return config


def read(project, name):
    return pd.read_parquet(project.folder / STUDY / name)


def test_the_candidates_are_the_flips_that_the_networks_saw(labelled):
    project, flipped = labelled
    assert len(flipped) == 15
    candidates = read(project, "search/candidates.parquet")
    assert sorted(candidates["row"]) == sorted(np.delete(flipped, [4, 9]))
    assert set(candidates["category"]) == {1, 6}


def test_a_perfect_reviewer_corrects_them_and_leaves_the_others(labelled):
    project, flipped = labelled
    labels = read(project, "labels.parquet")
    assert labels["row"].tolist() == list(range(150))
    wrong_before = labels.index[labels["old_label"] != labels["true_label"]]
    wrong_after = labels.index[labels["label"] != labels["true_label"]]
    assert wrong_before.tolist() == flipped.tolist()
    assert wrong_after.tolist() == flipped[[4, 9]].tolist()
    stamps = Stamps.open(project.folder / STUDY / "stamps.h5")
    assert stamps.labels.tolist() == labels["old_label"].tolist()


def test_forests_are_trained_on_old_labels_and_on_corrected_ones(labelled):
    project, _ = labelled
    labels = read(project, "labels.parquet").set_index("row")
    for folder, column in (("first", "old_label"), ("second/old", "old_label"), ("second/new", "label")):
        predictions = read(project, f"{folder}/forest/predictions.parquet")
        assert predictions["label"].tolist() == labels.loc[predictions["row"], column].tolist()
        metrics = read_json(project.folder / STUDY / folder / "forest/metrics.json")
        assert metrics["dropped"]["test"] == 60 - len(predictions) > 0  # no neighbour within 5 arcsec
    first, old, new = (
        read(project, f"{name}/forest/predictions.parquet") for name in ("first", "second/old", "second/new")
    )
    assert first["score"].equals(old["score"])
    assert not old["score"].equals(new["score"])
    of_stamps = read(project, "first/forest_of_stamps/predictions.parquet")
    assert len(of_stamps) == 60
    importances = pd.read_csv(project.folder / STUDY / "first/forest_of_stamps/importances.csv")
    assert len(importances) == 18


def test_features_are_there_for_every_stamp(labelled):
    project, _ = labelled
    stamps = Stamps.open(project.folder / STUDY / "stamps.h5")
    for name, count in (("features", 38), ("stamp-features", 18)):
        table = read(project, f"{name}.parquet")
        assert set(table["id"]) >= set(stamps.ids)
        assert table.shape[1] == 1 + count


def test_disputed_candidates_of_a_new_survey_have_no_label(labelled):
    project, _ = labelled
    votes = pd.read_csv(project.folder / STUDY / "new-survey/votes.csv", dtype=str)
    labels = read(project, "new-survey/labels.parquet")
    assert len(votes) == 180
    # of three votes a majority leads by two only where all agree
    agreed = votes.groupby("id")["vote"].nunique() == 1
    assert set(labels["id"]) == set(agreed.index[agreed])
    assert 20 < len(labels) < 60
    numbers = read_json(project.folder / STUDY / "new-survey/agreement.json")
    assert numbers["undecided"] == 60 - len(labels)
    assert numbers["real"] == (labels["label"] == 1).sum()


def test_the_stamps_of_a_new_survey_have_no_labels_and_votes_alone_have_seen_the_truth(labelled):
    project, _ = labelled
    path = project.folder / STUDY / "new-survey/stamps.h5"
    stamps = Stamps.open(path, unlabelled=True)
    assert set(stamps.labels) == {255}
    archive = project.folder / "resources/raw/simulated/DECAT-60-seed-0-packets"
    truth = pd.read_csv(archive / "labels.csv", dtype=str)
    assert sorted(truth["id"]) == sorted(stamps.ids)
    # three votes of four simulated raters, a tenth of them wrong: where all agree they are right
    labels = read(project, "new-survey/labels.parquet")
    classes = labels["id"].map(truth.set_index("id")["label"])
    assert (classes.map({"real": 1, "artifact": 0}) == labels["label"]).mean() > 0.95


def test_the_archive_of_a_new_survey_is_given_to_two_jobs_alone(labelled):
    """To that of its stamps, which leaves labels out, and to its simulated raters."""
    project, _ = labelled
    target = f"{STUDY}/tables/new-survey.csv"
    done = project.snakemake("--dry-run", "--forceall", "--printshellcmds", target, config=CONFIG)
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?: +.*\n)+)", done.stdout + done.stderr, re.MULTILINE)
    assert {"des_study_further", "des_study_new_scores", "des_new_survey"} <= {name for name, _ in jobs}
    given = [name for name, told in jobs if re.search(r"^ +input: .*simulated/DECAT-", told, re.MULTILINE)]
    assert sorted(given) == ["des_study_new_stamps", "des_study_votes"]


def test_without_votes_the_new_survey_stops_and_says_how_people_vote(labelled, tmp_path):
    project, _ = labelled
    config = deepcopy(CONFIG)
    config["des_study"]["new_survey"]["votes"] = {"origin": "path", "path": "reviews/votes.csv"}
    target = f"{STUDY}/new-survey/scores.parquet"
    done = project.snakemake(target, "--until", "des_study_votes", "--force", config=config)
    assert done.returncode != 0
    assert "reviews/votes.csv does not exist: there are no votes on DECAT. Let three people" in done.stderr
    assert f"`stampshift review {STUDY}/new-survey/stamps.h5`" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_run_has_nothing_to_do(labelled):
    project, _ = labelled
    assert project.jobs(f"{STUDY}/second/new/forest/metrics.json", config=CONFIG) == {}


def test_without_a_review_everything_before_it_runs_and_then_it_says_what_to_do(labelled, tmp_path):
    project, _ = labelled
    config = with_relabels(origin="review", path="resources/reviews/DES.csv")
    before = [f"{STUDY}/first/forest/metrics.json", f"{STUDY}/search/candidates.parquet"]
    assert project.jobs(*before, config=config) == {}
    copy = copy_of_the_project(tmp_path / "copy")
    shutil.copytree(project.folder / "results", copy.folder / "results")
    shutil.copytree(project.folder / "resources/raw", copy.folder / "resources/raw")
    (copy.folder / STUDY / "labels.parquet").unlink()
    (copy.folder / STUDY / "search/candidates.parquet").unlink()
    shutil.rmtree(copy.folder / STUDY / "second/new")
    target = f"{STUDY}/second/new/forest/metrics.json"
    done = copy.snakemake(target, config=config)
    assert done.returncode != 0
    assert "ContractError: resources/reviews/DES.csv does not exist: there is no review" in done.stderr
    assert f"Run `stampshift review {STUDY}`, vote, export the decisions" in done.stderr
    # what people are to look at is ready
    candidates = pd.read_parquet(copy.folder / STUDY / "search/candidates.parquet")
    assert not (copy.folder / STUDY / "labels.parquet").exists()
    words = candidates["label"].map({0: "bogus", 1: "real"})
    review = pd.DataFrame({"id": candidates["id"], "old_label": words, "label": words[::-1].to_numpy()})
    (copy.folder / "resources/reviews").mkdir()
    review.iloc[:3].to_csv(copy.folder / "resources/reviews/DES.csv", index=False)
    stopped = copy.snakemake(f"{STUDY}/labels.parquet", config=config)
    assert f"3 of the {len(review)} candidates are decided" in stopped.stderr
    config["des_study"]["relabels"]["least_decided"] = 3 / len(review)
    copy.run(f"{STUDY}/labels.parquet", config=config)
    labels = pd.read_parquet(copy.folder / STUDY / "labels.parquet").set_index("id")
    expected = review.iloc[:3].set_index("id")["label"].map({"bogus": 0, "real": 1})
    assert labels.loc[expected.index, "label"].tolist() == expected.tolist()
    assert "true_label" in labels


def test_a_relabelled_table_replaces_a_review(labelled):
    project, _ = labelled
    config = with_relabels(origin="table", path=f"{ARCHIVE}/planted_flips.csv")
    project.run(f"{STUDY}/labels.parquet", "--force", config=config)
    labels = read(project, "labels.parquet")
    assert labels["label"].equals(labels["true_label"])
    project.run(f"{STUDY}/labels.parquet", "--force", config=CONFIG)


def test_impossible_labels_stop_before_the_first_job(fresh):
    config = deepcopy(TINY)
    config["surveys"]["HiTS"]["simulate"]["flipped"] = 0.1
    done = fresh.snakemake("--dry-run", config=config)
    assert done.returncode != 0
    assert (
        "planted only in archives of reader 'des', but surveys.HiTS.reader is 'hits'"
        in done.stdout + done.stderr
    )
    assert "Traceback" not in done.stderr
