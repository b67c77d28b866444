import pandas as pd
import pytest

from stampshift.des_study.retraining import (
    gain_table,
    relabelled_categories,
    relabelled_table,
    retraining_gain,
)
from stampshift.metrics.intervals import Bootstrap

BOOTSTRAP = Bootstrap(samples=200, confidence=0.95, seed=0)
BOUNDS = [0.1, 0.5, 0.9]
# rows 3 and 4 were flipped; the review found row 3, and flipped row 5 wrongly
OLD = [1, 1, 1, 0, 1, 0, 0, 0]
CORRECTED = [1, 1, 1, 1, 1, 1, 0, 0]
TRUE = [1, 1, 1, 1, 0, 0, 0, 0]


@pytest.fixture
def labels():
    rows = range(len(OLD))
    return pd.DataFrame({"row": rows, "id": rows, "old_label": OLD, "label": CORRECTED, "true_label": TRUE})


@pytest.fixture
def predictions(predicted):
    return {
        "old": predicted({"network_1": [0.9, 0.9, 0.9, 0.4, 0.7, 0.2, 0.05, 0.05]}, labels=OLD),
        "new": predicted({"network_1": [0.9, 0.9, 0.9, 0.8, 0.3, 0.2, 0.05, 0.05]}, labels=CORRECTED),
    }


def test_shares_before_and_after(predictions, labels):
    numbers = relabelled_categories(predictions, labels=labels, bounds=BOUNDS, mdr=0.05, bootstrap=BOOTSTRAP)
    counts = {
        key: lines["stamps"].to_list()
        for key, lines in numbers.groupby(["trained_on", "tested_on"], sort=False)
    }
    assert counts == {
        ("old", "old_label"): [0, 0, 4, 4, 0, 0],
        ("old", "label"): [0, 0, 2, 4, 2, 0],
        ("new", "label"): [0, 0, 2, 4, 2, 0],
    }
    # by old labels the lowest real is at 0.7, by the corrected ones at 0.2: no bogus is above either
    assert numbers.groupby(["trained_on", "tested_on"], sort=False)["fpr_at_mdr"].first().to_list() == [
        0,
        0,
        0,
    ]


def test_the_printed_stages(predictions, labels):
    numbers = relabelled_categories(predictions, labels=labels, bounds=BOUNDS, mdr=0.05, bootstrap=BOOTSTRAP)
    table = relabelled_table(numbers, bounds=BOUNDS, mdr=0.05, bootstrap=BOOTSTRAP)
    assert table.cells[["model", "trained on", "tested on", "stamps"]].to_numpy().tolist() == [
        ["network 1", "old labels", "old labels", "8"],
        ["network 1", "old labels", "corrected labels", "8"],
        ["network 1", "corrected labels", "corrected labels", "8"],
    ]
    assert table.cells["4: real, p ≤ 0.5"].to_list() == ["50.000"] * 3
    assert table.cells["FPR at MDR 0.05"].to_list() == ["0.0000 [0.0000, 0.0000]"] * 3


def test_gain_by_corrected_and_by_true_labels(predictions, labels):
    gain = retraining_gain(predictions, labels=labels, mdr=0.05, bootstrap=BOOTSTRAP)
    lines = gain.set_index(["tested_on", "quantity"])
    corrected = lines.loc[("label", "balanced_accuracy")]
    # of six reals four are called so by either; both bogus are right
    assert (corrected["old"], corrected["new"]) == pytest.approx(((4 / 6 + 1) / 2, (4 / 6 + 1) / 2))
    true = lines.loc[("true_label", "balanced_accuracy")]
    assert (true["old"], true["new"], true["difference"]) == pytest.approx((0.75, 1, 0.25))
    assert true["low"] <= 0.25 <= true["high"]
    rate = lines.loc[("true_label", "fpr_at_mdr")]
    # trained on old labels, the lowest true real is row 3 at 0.4 and row 4 is above it
    assert (rate["old"], rate["new"], rate["difference"]) == (0.25, 0, -0.25)


def test_without_true_labels_only_the_corrected_judge(predictions, labels):
    gain = retraining_gain(
        predictions, labels=labels.drop(columns="true_label"), mdr=0.05, bootstrap=BOOTSTRAP
    )
    assert set(gain["tested_on"]) == {"label"}
    table = gain_table(gain, mdr=0.05, bootstrap=BOOTSTRAP)
    assert table.caption.endswith("which of them people looked at.")


def test_the_printed_gain(predictions, labels):
    gain = retraining_gain(predictions, labels=labels, mdr=0.05, bootstrap=BOOTSTRAP)
    table = gain_table(gain, mdr=0.05, bootstrap=BOOTSTRAP)
    row = table.cells.iloc[2].to_dict()
    assert row["tested on"] == "true labels"
    assert (row["trained on old labels"], row["on corrected labels"]) == ("0.7500", "1.0000")
    assert row["difference"].startswith("+0.2500 [")
    assert "true labels, known of planted flips, are." in table.caption


def test_models_are_compared_on_stamps_that_both_judge(predicted, labels):
    scores = [0.9, 0.9, 0.4, 0.7, 0.2, 0.05, 0.05]
    predictions = {
        "old": predicted({"forest": scores}, labels=OLD, rows={"forest": [0, 2, 3, 4, 5, 6, 7]}),
        "new": predicted({"forest": scores}, labels=OLD, rows={"forest": [1, 2, 3, 4, 5, 6, 7]}),
    }
    gain = retraining_gain(predictions, labels=labels, mdr=0.05, bootstrap=BOOTSTRAP)
    assert set(gain["stamps"]) == {6}
