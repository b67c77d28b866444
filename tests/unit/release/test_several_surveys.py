"""A released model of several surveys knows each of them."""

import pytest

from fake_release import release_of, write_run
from stampshift.config.experiment import Run
from stampshift.release.trained_run import open_run


@pytest.fixture(scope="module")
def of_both(results):
    return write_run(results, Run("baseline", "both", None, 0, 0), sources=["A", "B"])


def test_a_baseline_of_two_surveys_is_at_home_in_the_last_and_knows_the_other(of_both, tmp_path, splits_of):
    release = release_of(of_both, tmp_path / "released")
    contract, reference = release.contract, release.reference()
    assert {name: section["role"] for name, section in contract.surveys.items()} == {
        "A": "source",
        "B": "source",
    }
    assert contract.home == contract.calibration["survey"] == "B"
    assert set(contract.out_of_distribution["thresholds"]) == {"A", "B"}
    for name, splits in splits_of.items():
        assert (reference["survey"] == name).sum() == len(splits.validation)
    card = (tmp_path / "released" / "card.md").read_text()
    assert "It was trained on A and B alone" in card


def test_a_target_among_the_sources_surveys_is_home_with_all_its_labels_counted(results, tmp_path, splits_of):
    folder = write_run(results, Run("scratch", "both", "B", 5, 0), sources=["A", "B"])
    run = open_run(folder)
    assert [(each.name, each.role) for each in run.surveys] == [("A", "source"), ("B", "target")]
    assert set(run.home.held_out) == set(splits_of["B"].validation)
    assert not {*run.home.train, *run.home.held_out} & {*splits_of["B"].test}
    release_of(folder, tmp_path / "released")
    card = (tmp_path / "released" / "card.md").read_text()
    assert "It was trained on A and B (source) and adapted to B (target)" in card
    assert "The target is one of the source's surveys: all labels of its train part were trained on" in card
    line = next(line for line in card.splitlines() if line.startswith("| train, labelled"))
    assert line.split("|")[3].strip() == str(len(splits_of["B"].train))
