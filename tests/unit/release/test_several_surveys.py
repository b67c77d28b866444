"""A released model of several surveys knows each of them."""

import numpy as np
import pytest

from fake_release import release_of, write_run
from stampshift.config.experiment import Run
from stampshift.metrics.calibration import fit_temperature
from stampshift.release.threshold import choose
from stampshift.release.trained_run import open_run


@pytest.fixture(scope="module")
def of_both(results):
    return write_run(results, Run("baseline", "both", None, 0, 0), sources=["A", "B"])


@pytest.fixture(scope="module")
def release(of_both, tmp_path_factory):
    return release_of(of_both, tmp_path_factory.mktemp("of_both") / "released")


def test_a_baseline_of_two_surveys_is_at_home_in_both(release, splits_of):
    contract, reference = release.contract, release.reference()
    assert {name: section["role"] for name, section in contract.surveys.items()} == {
        "A": "source",
        "B": "source",
    }
    assert contract.homes == ["A", "B"]
    assert contract.home == "B"
    assert set(contract.out_of_distribution["thresholds"]) == {"A", "B"}
    for name, splits in splits_of.items():
        assert (reference["survey"] == name).sum() == len(splits.validation)
    card = (release.folder / "card.md").read_text()
    assert "It was trained on A and B alone" in card
    assert "labelled validation stamps of A and B" in card


def test_its_temperature_and_its_threshold_are_those_of_all_validation_stamps(release):
    known = release.reference()
    labels, logits = known["label"].to_numpy(int), known["logit"].to_numpy(float)
    expected = fit_temperature(labels, 1 / (1 + np.exp(-logits)))
    assert release.contract.calibration["stamps"] == len(known)
    assert release.contract.calibration["temperature"] == pytest.approx(expected or 1.0, rel=1e-4)
    point = choose(release, survey=None, max_mdr=0.2, max_fpr=None)
    assert point.survey == "A and B"
    assert (point.mdr.of, point.fpr.of) == ((labels == 1).sum(), (labels == 0).sum())
    assert choose(release, survey="A", max_mdr=0.2, max_fpr=None).mdr.of < point.mdr.of


def test_a_stamp_of_an_unknown_survey_is_flagged_only_if_it_is_unlike_all_of_its_surveys(release):
    limits = [release.limit(survey) for survey in ("A", "B")]
    assert limits[0] != limits[1]
    assert release.limit("LSST") == max(limits)


def test_a_target_among_the_sources_surveys_is_home_with_all_its_labels_counted(results, tmp_path, splits_of):
    folder = write_run(results, Run("scratch", "both", "B", 5, 0), sources=["A", "B"])
    run = open_run(folder)
    assert [(each.name, each.role) for each in run.surveys] == [("A", "source"), ("B", "target")]
    (home,) = run.homes
    assert set(home.held_out) == set(splits_of["B"].validation)
    assert not {*home.train, *home.held_out} & {*splits_of["B"].test}
    release_of(folder, tmp_path / "released")
    card = (tmp_path / "released" / "card.md").read_text()
    assert "It was trained on A and B (source) and adapted to B (target)" in card
    assert "The target is one of the source's surveys: all labels of its train part were trained on" in card
    line = next(line for line in card.splitlines() if line.startswith("| train, labelled"))
    assert line.split("|")[3].strip() == str(len(splits_of["B"].train))
