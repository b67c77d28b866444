import numpy as np
import pandas as pd
import pytest

from stampshift.release.card_tables import calibration_lines, class_lines, performance_lines


@pytest.fixture
def tested():
    return pd.DataFrame(
        {
            "survey": "A",
            "class": ["star"] * 10 + ["ghost"] * 6 + ["noise"] * 4,
            "label": [1] * 10 + [0] * 10,
            "raw": [0.9] * 9 + [0.1] + [0.1] * 6 + [0.8] * 2 + [0.1] * 2,
            "score": np.float32([0.8] * 9 + [0.2] + [0.2] * 6 + [0.7] * 2 + [0.2] * 2),
        }
    )


def test_performance_is_that_of_the_confusion_counts(tested):
    (line,) = performance_lines(tested)
    assert line["balanced accuracy"].startswith("0.850 (")
    # exact intervals of 1 of 10 and of 2 of 10
    assert line["MDR"] == "0.100 (0.003 to 0.445)"
    assert line["FPR"] == "0.200 (0.025 to 0.556)"


def test_classes_come_reals_first_with_their_recall(tested):
    lines = class_lines(tested)
    assert [(line["class"], line["label"], line["recall"][:5]) for line in lines] == [
        ("star", "real", "0.900"), ("ghost", "bogus", "1.000"), ("noise", "bogus", "0.500"),
    ]  # fmt: skip


def test_calibration_is_told_before_and_after(tested):
    before, after = calibration_lines(tested)
    assert float(before["Brier"]) == pytest.approx((17 * 0.01 + 0.81 + 2 * 0.64) / 20, abs=1e-4)
    assert float(after["Brier"]) == pytest.approx((17 * 0.04 + 0.64 + 2 * 0.49) / 20, abs=1e-4)


def test_the_card_says_what_matters(adapted_release, baseline_release):
    card = (adapted_release.folder / "card.md").read_text()
    assert card.startswith("# Model card: from scratch, 20 shots, A to B\n\n> **Simulated data.**")
    for said in (
        "it was given\n20 labelled stamps per class",
        "20 labelled validation stamps of B (10 real, 10 bogus)",
        "The scores are calibrated by a temperature of ",
        "**That is few**",
        "simulated (seed 1)",
        "## Intended use, and limits",
        "## Licence",
        "science and difference swapped",
        adapted_release.contract.digests["model.onnx"],
    ):
        assert said in card, said
    assert "{{" not in card
    assert "None" not in card
    other = (baseline_release.folder / "card.md").read_text()
    assert other.startswith("# Model card: baseline of A")
    assert "knows no other survey" in other
