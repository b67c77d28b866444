"""The tutorial, command by command as it stands."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tiny_project import ROOT
from tutorial_page import blocks, printed_by, run_page

PAGE = "tutorial.md"


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, str]:
    return run_page(PAGE, tmp_path_factory.mktemp("tutorial"))


def test_the_section_on_the_page_is_that_of_the_file():
    (section,) = [text for language, text in blocks(PAGE) if language == "yaml"]
    assert yaml.safe_load(section) == yaml.safe_load((ROOT / "docs/tutorial/rubin.yaml").read_text())


def test_the_quick_start_has_only_commands_of_the_tutorial():
    readme = (ROOT / "README.md").read_text()
    (quick,) = re.findall(r"## Quick start\n.*?```bash\n(.*?)```", readme, re.DOTALL)
    commands = [line for line in quick.splitlines() if not line.startswith(("#", "make"))]
    tutorial = [line for language, text in blocks(PAGE) if language == "bash" for line in text.splitlines()]
    assert len(commands) > 8 and set(commands) <= set(tutorial)


def test_ten_stamps_have_a_label(told):
    assert re.search(r"labels +real 5, bogus 5, unlabelled 1490", printed_by(told, "stampshift stamps"))


def test_the_adaptation_says_what_it_gained_and_lost(told):
    printed = printed_by(told, "stampshift adapt")
    assert re.search(r"\| judged on +\| Rubin, held out in turn +\| HiTS, test part +\|", printed)
    assert re.search(r"\| stamps +\| 5 real, 5 bogus +\|", printed)


def test_every_alert_of_the_night_is_scored(told):
    night = pd.read_parquet(Path(told["folder"]) / "tutorial" / "tonight.parquet")
    assert len(night) == 1000 and night["score"].notna().all()


def test_the_end_shows_before_after_and_what_was_promised(told):
    printed = printed_by(told, "python docs")
    lines = {
        name: [float(number) for number in numbers.split()]
        for name, numbers in re.findall(
            r"^([a-z ]+, \d+ \w+) +([\d.]+ +[\d.]+ +[\d.]+)$", printed, re.MULTILINE
        )
    }
    assert list(lines) == ["not adapted, 1000 alerts", "adapted, 1000 alerts", "promised, 10 labels"]
    folder = Path(told["folder"]) / "tutorial"
    truth = pd.read_csv(folder / "tonight" / "labels.csv", dtype=str).set_index("id")["label"]
    for name, file in (("not adapted", "tonight-before"), ("adapted", "tonight")):
        scores = pd.read_parquet(folder / f"{file}.parquet").set_index("id")["score"]
        reals = (scores[truth.index[truth == "real"]] >= 0.5).mean()
        bogus = (scores[truth.index[truth == "bogus"]] < 0.5).mean()
        assert lines[f"{name}, 1000 alerts"] == pytest.approx([(reals + bogus) / 2, reals, bogus], abs=6e-4)
    assert lines["adapted, 1000 alerts"][0] > 0.65
    after = re.search(r"\| after +\| (\d\.\d{3})", printed_by(told, "stampshift adapt"))
    assert lines["promised, 10 labels"][0] == float(after[1])


def test_the_card_says_how_little_ten_labels_promise(told):
    card = (Path(told["folder"]) / "tutorial" / "rubin-model" / "card.md").read_text()
    assert "Simulated data" in card
    assert "10 labelled validation stamps of Rubin (5 real, 5 bogus)" in card
    assert "are too few to promise" in printed_by(told, "stampshift threshold")
