import numpy as np
import pandas as pd
import pytest

from stampshift.release import card
from stampshift.release.card_tables import class_lines, measured_cells


@pytest.fixture
def tested():
    return pd.DataFrame(
        {
            "class": ["star"] * 10 + ["ghost"] * 6 + ["noise"] * 4,
            "label": [1] * 10 + [0] * 10,
            "raw": [0.9] * 9 + [0.1] + [0.1] * 6 + [0.8] * 2 + [0.1] * 2,
            "score": np.float32([0.8] * 9 + [0.2] + [0.2] * 6 + [0.7] * 2 + [0.2] * 2),
            "similarity": np.linspace(0, 1, 20),
            "flagged": [True] + [False] * 19,
        }
    )


def test_performance_is_that_of_the_confusion_counts(tested):
    line = measured_cells(tested)
    assert line["test"] == "10 real, 10 bogus"
    assert line["balanced accuracy"].startswith("0.850 (")
    # exact intervals of 1 of 10 and of 2 of 10
    assert line["MDR"] == "0.100 (0.003 to 0.445)"
    assert line["FPR"] == "0.200 (0.025 to 0.556)"


def test_classes_come_reals_first_with_their_recall(tested):
    lines = class_lines({"A": tested})
    assert [(line["class"], line["label"], line["recall"][:5]) for line in lines] == [
        ("star", "real", "0.900"), ("ghost", "bogus", "1.000"), ("noise", "bogus", "0.500"),
    ]  # fmt: skip


def test_calibration_is_given_before_and_after_and_a_number_that_became_worse_is_marked(tested):
    # of the scores by hand: (17 x 0.01 + 0.81 + 2 x 0.64) / 20, then (17 x 0.04 + 0.64 + 2 x 0.49) / 20
    assert measured_cells(tested)["Brier"] == "0.1130, 0.1150 (worse)"
    assert measured_cells(tested.assign(score=tested["raw"]))["Brier"] == "0.1130, 0.1130"


def test_the_card_says_what_matters(adapted_release, baseline_release):
    text = (adapted_release.folder / "card.md").read_text()
    assert text.startswith(
        "# Model card: from scratch, 20 shots, A to B (simulated surveys)\n\n> **Simulated data.**"
    )
    for said in (
        "adapted to B (target) with 20 labelled stamps per class.",
        "The training did not see their images; only the flag",
        "A score above one half calls a stamp real.",
        "a first look at alerts of which a person judges each: its surveys are simulated.",
        "20 labelled validation stamps of B (10 real, 10 bogus)",
        "The scores are calibrated by a temperature of ",
        "**That is few**",
        "- Stamps of **A**: simulated, seed 1.",
        "| options | `{}` |",
        "## Intended use, and limits",
        "## Licence",
        "science and difference swapped",
        adapted_release.contract.digests["model.onnx"],
    ):
        assert said in text, said
    assert "{{" not in text
    assert "None" not in text
    other = (baseline_release.folder / "card.md").read_text()
    assert other.startswith("# Model card: baseline of A (simulated surveys)\n")
    assert "knows no other survey" in other


RUN = {"method": "mme", "source": "A", "target": "B", "shots": 3, "seed": 0}
MME = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "temperature": 0.05,
}


@pytest.mark.parametrize(
    ("metrics", "learns"),
    [
        (RUN | {"options": MME | {"entropy_weight": 0.1}}, True),
        (RUN | {"options": MME | {"entropy_weight": 0.0}}, False),
        (RUN | {"method": "mme-two", "trained_by": "mme", "options": MME | {"entropy_weight": 0.1}}, True),
        (RUN | {"method": "finetune", "options": {}}, False),
    ],
)
def test_unlabelled_stamps_count_where_the_method_learns_from_them(metrics, learns):
    assert card.learns_unlabelled(metrics) == learns


def test_data_are_described_by_origin_losses_and_classes():
    assert card.data_notes(
        {
            "origin": {"simulate": {"seed": 4, "stamps": 100, "flipped": 0.1}},
            "counts": {"read": 100, "dropped": {"non_square": 7, "ragged": 0}},
            "class_map": {"SN": "real", "ghost": "bogus", "AGN": "real"},
        }
    ) == [
        "simulated, seed 4, stamps 100, flipped 0.1",
        "100 candidates read, dropped: 7 non square",
        "Classes that are real: SN, AGN; bogus: ghost",
    ]
    corrected = {"name": "labels.parquet", "replaced": 2000, "changed": 30}
    assert card.data_notes({"labels": corrected})[1] == (
        "Its labels are those of labels.parquet, in place of the archive's: 30 of 2,000 differ"
    )
    voted = {"name": "votes.parquet", "replaced": 0, "changed": 0}
    assert card.data_notes({"labels": voted})[1] == (
        "Its labels are those of votes.parquet, in place of the archive's, which has none"
    )
    assert card.data_notes({}) == ["origin not recorded"]
    assert card.data_notes({"origin": {"path": "nights"}}) == ["path nights"]


def test_methods_are_named_with_what_they_are():
    assert card.method(RUN) == "MME (minimax entropy, Saito et al. 2019)"
    variant = RUN | {"method": "mme-two", "trained_by": "mme"}
    assert card.method(variant) == "mme-two (a variant of MME: minimax entropy, Saito et al. 2019)"
