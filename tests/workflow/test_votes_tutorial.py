"""The tutorial on a survey that people label, command by command as it stands."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stampshift.config.configuration import read_experiment
from stampshift.stamps.file import Stamps
from tiny_project import ROOT
from tutorial_page import blocks, printed_by, run_page

PAGE = "tutorial-votes.md"
NEW = "results/tutorial-votes/des_study/new-survey"


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, str]:
    return run_page(PAGE, tmp_path_factory.mktemp("votes"))


def workflow_runs(told):
    """What the workflow printed without votes, and with them."""
    return [text for block, text in told.items() if block.startswith("snakemake")]


def test_the_configuration_on_the_page_is_that_of_the_file():
    (section,) = [text for language, text in blocks(PAGE) if language == "yaml"]
    assert yaml.safe_load(section) == yaml.safe_load((ROOT / "docs/tutorial/decat.yaml").read_text())


def test_the_example_for_real_packets_is_a_configuration():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    example = yaml.safe_load((ROOT / "workflow/profiles/des_study/new_survey.yaml").read_text())
    config["surveys"] |= example["surveys"]
    config["des_study"] |= example["des_study"]
    config["pairs"] = example["pairs"]
    assert [str(pair) for pair in read_experiment(config).pairs] == ["DES-to-HiTS"]


def test_without_votes_it_stops_and_says_how_people_vote(told):
    without, _ = workflow_runs(told)
    assert "resources/reviews/DECAT-votes.csv does not exist: there are no votes on DECAT." in without
    assert f"`stampshift review {NEW}/stamps.h5`" in without
    assert "There are no votes yet." in without


def test_people_are_asked_until_they_agree_or_eve_decides(told):
    voted = printed_by(told, "python docs/tutorial/vote.py")
    assert "300 of 300 candidates complete" in voted
    assert "decided by a margin of 2 among 3 votes or more: 300" in voted
    assert re.search(r"decided by Eve alone: [1-9]", voted)
    assert "undecided: 0" in voted
    votes = pd.read_csv(Path(told["folder"]) / "resources/reviews/DECAT-votes.csv", dtype=str)
    counts = votes[votes["rater"] != "Eve"].groupby("id").size()
    assert set(counts) == {3, 4, 5}


def test_every_packet_is_scored_and_no_stamp_has_a_label(told):
    folder = Path(told["folder"]) / NEW
    assert set(Stamps.open(folder / "stamps.h5", unlabelled=True).labels) == {255}
    scores = pd.read_parquet(folder / "scores.parquet")
    assert len(scores) == 300 and scores["score"].notna().all()
    assert set(scores["part"]) == {"train", "validation", "test"}
    assert (scores["passes"] == (scores["score"] > scores["cutoff"])).all()
    missed = scores[(scores["part"] == "validation") & (scores["label"] == 1) & ~scores["passes"]]
    assert len(missed) <= 0.05 * (scores["part"] == "validation").sum()


def test_the_next_night_is_scored_by_the_released_model(told):
    night = pd.read_parquet(Path(told["folder"]) / "tutorial" / "decat-tonight.parquet")
    assert len(night) == 200 and night["score"].notna().all()
    found = re.findall(
        r"(\d+) alerts, balanced accuracy (0\.\d+)", printed_by(told, "python docs/tutorial/comp")
    )
    assert [int(count) for count, _ in found] == [300, 200]
    assert all(float(accuracy) > 0.6 for _, accuracy in found)
