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


@pytest.fixture(scope="module")
def labelled(told) -> dict[str, int]:
    """How many of the twenty labels are real and bogus, by what `stampshift stamps` printed."""
    printed = printed_by(told, "stampshift stamps --config docs/tutorial/rubin-labelled.yaml")
    counts = re.search(r"labels +real (\d+), bogus (\d+), unlabelled 1480", printed)
    return {"real": int(counts[1]), "bogus": int(counts[2])}


def test_the_section_on_the_page_is_that_of_the_file_and_the_other_one_lacks_the_labels():
    (text,) = [text for language, text in blocks(PAGE) if language == "yaml"]
    assert text == (ROOT / "docs/tutorial/rubin-labelled.yaml").read_text()
    section, before = yaml.safe_load(text), yaml.safe_load((ROOT / "docs/tutorial/rubin.yaml").read_text())
    assert section["surveys"]["Rubin"].pop("packets") == {"labels": "tutorial/labels.csv"}
    assert section == before


def test_the_quick_start_has_only_commands_of_the_tutorial():
    readme = (ROOT / "README.md").read_text()
    (quick,) = re.findall(r"## Quick start\n.*?```bash\n(.*?)```", readme, re.DOTALL)
    commands = [line for line in quick.splitlines() if not line.startswith(("#", "make"))]
    tutorial = [line for language, text in blocks(PAGE) if language == "bash" for line in text.splitlines()]
    assert len(commands) > 8 and set(commands) <= set(tutorial)


def test_no_stamp_has_a_label_before_twenty_are_suggested_and_shown(told):
    unlabelled = printed_by(told, "stampshift stamps --config docs/tutorial/rubin.yaml")
    assert re.search(r"labels +real 0, bogus 0, unlabelled 1500", unlabelled)
    suggested = printed_by(told, "stampshift suggest")
    assert suggested.startswith("tutorial/to-label-suggested.parquet: 20 stamps to label.")
    (shown,) = [block for block in told if block.startswith("stampshift review ")]
    assert suggested.splitlines()[1] in shown
    assert told[shown].startswith("Review of 20 candidates of Rubin: http://127.0.0.1:")


def test_the_twenty_labels_are_those_of_the_suggested_stamps(told, labelled):
    folder = Path(told["folder"]) / "tutorial"
    labels, truth = (
        pd.read_csv(path, dtype=str).set_index("id")["label"]
        for path in (folder / "labels.csv", folder / "nights" / "labels.csv")
    )
    suggested = pd.read_parquet(folder / "to-label-suggested.parquet")["id"]
    assert set(labels.index) == set(suggested) and len(labels) == 20
    assert labels.equals(truth[labels.index])
    assert labelled == {"real": (labels == "real").sum(), "bogus": (labels == "bogus").sum()}


def test_the_adaptation_says_what_it_gained_and_lost(told, labelled):
    printed = printed_by(told, "stampshift adapt")
    assert re.search(r"\| judged on +\| Rubin, held out in turn +\| HiTS, test part +\|", printed)
    assert re.search(rf"\| stamps +\| {labelled['real']} real, {labelled['bogus']} bogus +\|", printed)


def test_every_alert_of_the_night_is_scored(told):
    night = pd.read_parquet(Path(told["folder"]) / "tutorial" / "tonight.parquet")
    assert len(night) == 1000 and night["score"].notna().all()


def of_the_night(printed: str) -> dict[str, list[float]]:
    """Balanced accuracy and recalls by line of what `before_and_after.py` printed."""
    found = re.findall(r"^([a-z ]+, \d+ \w+) +([\d.]+ +[\d.]+ +[\d.]+)$", printed, re.MULTILINE)
    return {name: [float(number) for number in numbers.split()] for name, numbers in found}


def in_truth(told: dict[str, str], scores: str) -> list[float]:
    """Balanced accuracy and recalls of a file of scores of the night."""
    folder = Path(told["folder"]) / "tutorial"
    truth = pd.read_csv(folder / "tonight" / "labels.csv", dtype=str).set_index("id")["label"]
    found = pd.read_parquet(folder / f"{scores}.parquet").set_index("id")["score"]
    reals = (found[truth.index[truth == "real"]] >= 0.5).mean()
    bogus = (found[truth.index[truth == "bogus"]] < 0.5).mean()
    return [(reals + bogus) / 2, reals, bogus]


def test_the_end_shows_before_after_and_what_was_promised(told):
    lines = of_the_night(printed_by(told, "stampshift score tutorial/hits-model tutorial/tonight"))
    assert list(lines) == ["not adapted, 1000 alerts", "adapted, 1000 alerts", "promised, 20 labels"]
    assert lines["not adapted, 1000 alerts"] == pytest.approx(in_truth(told, "tonight-before"), abs=6e-4)
    assert lines["adapted, 1000 alerts"] == pytest.approx(in_truth(told, "tonight"), abs=6e-4)
    assert lines["adapted, 1000 alerts"][0] > 0.65
    after = re.search(r"\| after +\| (\d\.\d{3})", printed_by(told, "stampshift adapt"))
    assert lines["promised, 20 labels"][0] == float(after[1])


def test_the_model_of_the_package_is_the_better_start(told):
    printed = printed_by(told, "stampshift score tutorial/tonight --output")
    assert "# generalist (HiTS, DES, ATLAS, ZTF) adapted to Rubin" in printed
    lines = of_the_night(printed)
    shipped, adapted = lines["not adapted, 1000 alerts"], lines["adapted, 1000 alerts"]
    assert shipped == pytest.approx(in_truth(told, "tonight-generalist"), abs=6e-4)
    assert adapted == pytest.approx(in_truth(told, "tonight-fine-tuned"), abs=6e-4)
    assert shipped[0] > in_truth(told, "tonight-before")[0]


def test_the_card_says_how_little_twenty_labels_promise(told, labelled):
    card = (Path(told["folder"]) / "tutorial" / "rubin-model" / "card.md").read_text()
    assert "Simulated data" in card
    assert "20 labelled validation stamps of Rubin ({real} real, {bogus} bogus)".format(**labelled) in card
    assert "are too few to promise" in printed_by(told, "stampshift threshold")
