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


def test_every_alert_of_the_night_is_scored_and_most_are_called_rightly(told):
    night = pd.read_parquet(Path(told["folder"]) / "tutorial" / "tonight.parquet")
    assert len(night) == 1000 and night["score"].notna().all()
    found = re.search(r"1000 alerts, balanced accuracy (0\.\d+)", printed_by(told, "python docs"))
    assert found and float(found[1]) > 0.65


def test_the_card_says_how_little_ten_labels_promise(told):
    card = (Path(told["folder"]) / "tutorial" / "rubin-model" / "card.md").read_text()
    assert "Simulated data" in card
    assert "10 labelled validation stamps of Rubin (5 real, 5 bogus)" in card
    assert "are too few to promise" in printed_by(told, "stampshift threshold")
