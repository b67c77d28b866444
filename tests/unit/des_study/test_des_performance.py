import numpy as np
import pytest

from stampshift.des_study.performance import (
    confusion_shares,
    confusion_table,
    curves,
    performance,
    performance_table,
)
from stampshift.metrics.intervals import Bootstrap
from stampshift.tables.writing import write_table

BOOTSTRAP = Bootstrap(samples=200, confidence=0.9, seed=0)
LABELS = [1, 1, 1, 1, 0, 0, 0, 0]
NETWORK = [0.9, 0.8, 0.6, 0.4, 0.7, 0.3, 0.2, 0.1]
FOREST = [0.9, 0.8, 0.7, 0.2, 0.1, 0.1]  # of rows 0, 1, 2, 5, 6, 7


@pytest.fixture
def numbers(predicted):
    scores = {"network_1": NETWORK, "forest": FOREST}
    table = predicted(scores, labels=LABELS, rows={"forest": [0, 1, 2, 5, 6, 7]})
    return performance(table, mdr=0.05, bootstrap=BOOTSTRAP)


def test_every_number_of_a_hand_computed_case(numbers):
    row = numbers.set_index(["model", "stamps"]).loc[("network_1", "own")]
    assert row[["n_real", "n_bogus", "tp", "fn", "fp", "tn"]].to_list() == [4, 4, 3, 1, 1, 3]
    assert row["auc"] == pytest.approx(14 / 16)  # the bogus of 0.7 is above two of four reals
    assert row["accuracy"] == row["balanced_accuracy"] == 0.75
    assert row["fpr_at_mdr"] == 0.25  # at the threshold 0.4 one bogus passes
    assert row["low"] <= 0.25 <= row["high"]


def test_common_stamps_leave_out_what_the_forest_cannot_judge(numbers):
    table = numbers.set_index(["model", "stamps"])
    assert table.loc[("forest", "own"), ["n_real", "n_bogus"]].to_list() == [3, 3]
    assert table.loc[("network_1", "common"), ["n_real", "n_bogus"]].to_list() == [3, 3]
    assert (
        table.loc[("network_1", "common"), "auc"] == 1
    )  # its false positive and its miss are not among them


def test_the_printed_table(numbers):
    table = performance_table(numbers, mdr=0.05, bootstrap=BOOTSTRAP, part="first")
    network, forest = table.cells.to_dict("records")
    assert {key: network[key] for key in ("model", "stamps", "AUC", "accuracy")} == {
        "model": "network 1", "stamps": "8", "AUC": "0.8750", "accuracy": "75.00%",
    }  # fmt: skip
    assert network["FPR at MDR 0.05"].startswith("0.2500 [0.0000, ")
    assert network["FPR at MDR 0.05, common stamps"] == "0.0000 [0.0000, 0.0000]"
    assert forest["stamps"] == "6"
    assert "the 6 stamps that every model judges" in table.caption
    assert "no more than 5% of the reals" in table.caption
    assert "90% interval of 200 bootstrap resamples of the stamps, within each label" in table.caption


def test_without_a_forest_there_is_nothing_to_say_of_common_stamps(predicted):
    numbers = performance(predicted({"network_1": NETWORK}, labels=LABELS), mdr=0.05, bootstrap=BOOTSTRAP)
    table = performance_table(numbers, mdr=0.05, bootstrap=BOOTSTRAP, part="second")
    assert list(table.cells) == ["model", "stamps", "AUC", "accuracy", "FPR at MDR 0.05"]
    assert "common" not in table.caption


def test_confusion_shares_are_of_a_label(numbers):
    shares = confusion_shares(numbers, stamps="own").set_index(["model", "call"])
    assert shares.loc["network_1"]["percent"].to_dict() == {"tp": 75, "fn": 25, "fp": 25, "tn": 75}
    assert shares.loc[("forest", "tn"), "stamps"] == 3
    cells = confusion_table(numbers, part="first").cells
    assert cells.iloc[0].to_list() == ["network 1", "75.0% (3)", "25.0% (1)", "25.0% (1)", "75.0% (3)"]


def test_curves_are_those_of_the_main_study(predicted):
    table = curves(predicted({"network_1": NETWORK}, labels=LABELS))
    at = table.set_index("fpr")["mdr"]
    assert at.loc[0] == 0.5  # two of four reals are above every bogus
    assert at.loc[0.25] == 0
    assert set(table["model"]) == {"network_1"}
    assert np.isclose(table["fpr"].max(), 1)


def test_the_same_predictions_give_the_same_bytes(predicted, tmp_path):
    scores = {"network_1": NETWORK, "network_2": NETWORK[::-1]}
    written = []
    for name in ("one", "two"):
        numbers = performance(predicted(scores, labels=LABELS), mdr=0.05, bootstrap=BOOTSTRAP)
        table = performance_table(numbers, mdr=0.05, bootstrap=BOOTSTRAP, part="first")
        files = [tmp_path / f"{name}.{suffix}" for suffix in ("csv", "md", "tex")]
        write_table(table, files, simulated=False)
        written.append([path.read_bytes() for path in files])
    assert written[0] == written[1]
