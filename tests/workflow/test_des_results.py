"""Tables and figures of the DES study, from predictions that nobody trained."""

from copy import deepcopy

import pandas as pd
import pytest

from fake_study import MODELS, write_study
from tiny_project import TINY, copy_of_the_project

# what they take is written by the test: nothing is trained
ONLY_RESULTS = [
    "--allowed-rules", "des_study", "des_performance", "des_categories", "des_retraining",
    "des_search_success", "des_new_survey", "des_beside_published", "des_first_step", "des_examples",
    "des_relabelled_examples", "des_high_snr", "des_rankings", "des_networks",
]  # fmt: skip
STUDY = {
    "networks": [model for model in MODELS if model.startswith("network")],
    "forests": ["forest"],
    "evaluation": {"bootstrap_samples": 100},
}
NEW_SURVEY = {
    "survey": "HiTS",
    "votes": {"origin": "path", "path": "votes.csv"},
    "min_votes": 3,
    "margin": 2,
    "fractions": {"train": 0.7, "validation": 0.1, "test": 0.2, "reserve": 0.0},
    "training": {
        "optimiser": "adam", "learning_rate": 1.0e-5, "momentum": None, "halve_every_iterations": None,
        "batch_size": 64, "epoch_size": None, "patience_epochs": 5, "max_epochs": 5, "keep": "first_best",
    },
}  # fmt: skip


def simulated(**study):
    config = deepcopy(TINY) | {"des_study": STUDY | study}
    config["surveys"]["DES"]["simulate"]["flipped"] = 0.05
    return config


def real():
    config = deepcopy(TINY) | {"des_study": STUDY}
    config["surveys"]["DES"] = {"origin": "url"}
    return config


def with_files(project):
    write_study(project.folder / "results/des_study", survey="DES", new_survey="HiTS")
    return project


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A checkout in which the results of a simulated study are made."""
    project = with_files(copy_of_the_project(tmp_path_factory.mktemp("project")))
    project.run("des_study", *ONLY_RESULTS, config=simulated(new_survey=NEW_SURVEY))
    return project


def results(project):
    folder = project.folder / "results/des_study"
    return {
        path.relative_to(folder).as_posix()
        for kind in ("tables", "figures")
        for path in (folder / kind).iterdir()
    }


def test_the_whole_study_on_a_simulated_survey(reported):
    found = results(reported)
    parts = ("first", "second")
    tables = [
        f"{name}-{part}"
        for name in ("performance", "confusion", "categories", "agreement", "high-snr")
        for part in parts
    ]
    tables += ["relabelled", "retraining-gain", "search", "new-survey", "consensus", "unanimity"]
    tables += ["networks", "operating-point", "first-step", "retested", "categories-first-corrected"]
    assert {f"tables/{name}.{suffix}" for name in tables for suffix in ("csv", "md", "tex")} <= found
    figures = [
        f"{name}-{part}" for name in ("curves", "confusion", "scores", "learning-curves") for part in parts
    ]
    figures += ["search", "search-causes", "new-survey", "new-survey-scores", "new-survey-learning-curves"]
    tables += ["rankings", "agreeing"]
    figures += ["examples", "relabelled-stamps", "retested", "rankings"]
    assert {f"figures/{name}.{suffix}" for name in figures for suffix in ("pdf", "png")} <= found
    # simulated numbers beside no published ones, and said to be simulated
    assert not any("beside-published" in name for name in found)
    folder = reported.folder / "results/des_study/tables"
    assert all("simulated" in (folder / f"{name}.md").read_text() for name in tables)
    networks = pd.read_csv(folder / "networks.csv").set_index(["network", "split"])
    assert networks.loc[("network_1", "first"), "seconds_per_epoch"] == 2
    assert networks["published_seconds_per_epoch"].isna().all()
    performance = pd.read_csv(folder / "performance-first.csv").set_index(["model", "stamps"])
    assert performance.loc[("network_1", "own"), ["n_real", "n_bogus"]].sum() == 200
    assert set(pd.read_csv(folder / "retraining-gain.csv")["tested_on"]) == {"label", "true_label"}


def test_a_second_call_has_nothing_to_do(reported):
    assert reported.jobs("des_study", *ONLY_RESULTS, config=simulated(new_survey=NEW_SURVEY)) == {}


def test_another_bound_of_the_categories_makes_their_tables_again_and_no_figure(reported):
    config = simulated(evaluation={"bootstrap_samples": 100, "categories": [0.2, 0.5, 0.8]})
    jobs = reported.jobs("des_study", *ONLY_RESULTS, config=config)
    assert jobs == {
        "des_categories": 2,
        "des_first_step": 1,
        "des_high_snr": 2,
        "des_retraining": 1,
        "des_study": 1,
    }


def test_the_real_archive_is_compared_with_the_published_numbers(fresh):
    project, target = with_files(fresh), "results/des_study/tables/beside-published.csv"
    project.run(target, *ONLY_RESULTS, config=real())
    cells = pd.read_csv(project.folder / target).set_index(["part", "model", "quantity"])
    assert cells.loc[("second", "network_1", "fpr_at_mdr"), "published"] == 0.008
    assert ("new survey", "after", "mdr_all") not in cells.index
    # what not every model judges is not compared: 200 test stamps, five of which the forest lacks at most
    common = pd.read_csv(project.folder / "results/des_study/tables/categories-second.csv")
    common = common[(common["sample"] == "common") & (common["model"] == "network_1")]
    assert common["stamps"].sum() < 200
    for line in common.to_dict("records"):
        found = cells.loc[("second", "network_1", f"category_{line['category']}_percent")]
        assert found["value"] == pytest.approx(line["percent"])
    assert cells.loc[("second", "forest", "accuracy_percent"), "source"] == "notebook"
    performance = project.folder / "results/des_study/tables/performance-first.md"
    assert "simulated" not in performance.read_text()
    # planted flips and votes there are none
    asked = project.jobs("des_study", *ONLY_RESULTS, config=real())
    assert {"des_search_success", "des_new_survey"}.isdisjoint(asked)
    assert {"des_examples", "des_retraining"} <= set(asked)
