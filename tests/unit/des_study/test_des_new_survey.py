import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.new_survey import (
    consensus_means,
    consensus_table,
    cutoff_curves,
    new_survey_numbers,
    new_survey_table,
    unanimity,
    unanimity_table,
    with_consensus,
)

LABELS = [1, 1, 1, 0, 0, 0]
UNANIMOUS = [True, True, False, True, False, True]


@pytest.fixture
def predictions(predicted):
    scores = {"before": [0.6, 0.2, 0.3, 0.4, 0.1, 0.0], "after": [1.0, 0.8, 0.4, 0.1, 0.5, 0.0]}
    consensus = pd.DataFrame({"row": range(6), "unanimous": UNANIMOUS})
    return with_consensus(predicted(scores, labels=LABELS), consensus=consensus)


def test_a_score_of_the_cutoff_does_not_pass(predictions):
    curves = cutoff_curves(predictions).set_index(["model", "cutoff"])
    assert len(curves) == 2 * 101
    before = curves.loc[("before", 0.3)]  # passed: 0.6 (real) and 0.4 (bogus)
    assert before[["mdr", "fpr", "cleanliness"]].to_list() == pytest.approx([2 / 3, 1 / 3, 1 / 2])
    after = curves.loc[("after", 0.3)]  # passed: all reals and the bogus of 0.5
    assert after[["mdr", "fpr", "cleanliness"]].to_list() == pytest.approx([0, 1 / 3, 3 / 4])


def test_where_nothing_passes_there_is_no_cleanliness(predictions):
    last = cutoff_curves(predictions).set_index(["model", "cutoff"]).loc[("before", 1.0)]
    assert (last["mdr"], last["fpr"]) == (1, 0)
    assert np.isnan(last["cleanliness"])


def test_numbers_of_all_and_of_unanimous_stamps(predictions):
    numbers = new_survey_numbers(predictions).set_index(["model", "stamps", "cutoff"])
    unanimous = numbers.loc[("before", "unanimous", 0.5)]
    assert unanimous[["n_real", "n_bogus", "mdr", "fpr"]].to_list() == [2, 2, 0.5, 0]
    assert numbers.loc[("after", "all", 0.3), "auc"] == pytest.approx(8 / 9)


def test_a_label_without_unanimous_stamps_leaves_no_rate(predicted):
    consensus = pd.DataFrame({"row": range(4), "unanimous": [True, True, False, False]})
    scores = {"before": [0.1, 0.2, 0.3, 0.4], "after": [0.1, 0.2, 0.3, 0.4]}
    table = with_consensus(predicted(scores, labels=[1, 1, 0, 0]), consensus=consensus)
    numbers = new_survey_numbers(table)
    assert numbers.loc[numbers["stamps"] == "unanimous", ["auc", "mdr", "fpr"]].isna().all().all()
    cells = new_survey_table(numbers, survey="B").cells
    assert cells.iloc[1].to_list() == ["before training further", "unanimous (2 real, 0 bogus)", *["–"] * 7]


def test_mean_scores_by_label_and_consensus(predictions):
    means = consensus_means(predictions).set_index(["label", "votes"])
    assert means["stamps"].to_list() == [2, 1, 2, 1]
    assert means.loc[("real", "unanimous"), ["before", "after"]].to_list() == pytest.approx([0.4, 0.9])
    assert means.loc[("bogus", "disputed"), ["before", "after"]].to_list() == pytest.approx([0.1, 0.5])
    table = consensus_table(means.reset_index(), survey="B")
    assert table.cells.iloc[0].to_list() == ["real", "unanimous", "2", "0.400", "0.900"]


def test_a_test_stamp_without_votes_is_refused(predicted):
    table = predicted({"before": [0.1, 0.2]}, labels=[0, 1])
    with pytest.raises(
        ContractError, match="a line for every stamp of the test part, found the columns row, un"
    ):
        with_consensus(table, consensus=pd.DataFrame({"row": [0], "unanimous": [True]}))
    with pytest.raises(ContractError, match="expected the columns row and unanimous"):
        with_consensus(table, consensus=pd.DataFrame({"row": [0, 1]}))


def test_unanimity_by_label():
    consensus = pd.DataFrame(
        {"row": range(6), "label": [1, 1, 1, 1, 0, 0], "unanimous": [True, True, True, False, True, True]}
    )
    numbers = unanimity(consensus, judged=9)
    assert numbers.set_index("label").loc["real"].to_list() == [4, 3, 75, 9]
    assert numbers.set_index("label").loc["bogus"].to_list() == [2, 2, 100, 9]
    table = unanimity_table(numbers, survey="B")
    assert "of 9 that people judged" in table.caption
    assert table.cells.to_numpy().tolist() == [["real", "4", "3", "75.0%"], ["bogus", "2", "2", "100.0%"]]
