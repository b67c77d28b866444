import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.search_success import CAUSES, review_queue, search_success, search_table
from stampshift.simulation.flips import MOST_WRONG


@pytest.fixture
def labels():
    # rows 0 and 1 are truly real but labelled bogus, row 5 truly bogus but labelled real; row 1 stays wrong
    return pd.DataFrame(
        {
            "row": range(8),
            "old_label": [0, 0, 0, 0, 1, 1, 1, 1],
            "label": [1, 0, 0, 0, 1, 0, 1, 1],
            "true_label": [1, 1, 0, 0, 1, 0, 1, 1],
            "cause": ["host", "", "", "", "host", "dipole", "", ""],
        }
    )


def candidates(*rows):
    return pd.DataFrame({"row": np.array(rows, dtype=np.int64)})


def test_precision_and_recall_by_label(labels):
    numbers = search_success(candidates(0, 2, 5), labels=labels).set_index("group")
    assert numbers.loc["all", ["stamps", "flipped", "candidates", "found", "wrong_after"]].to_list() == [
        8,
        3,
        3,
        2,
        1,
    ]
    labelled = numbers.loc[["all", "bogus", "real"]]
    assert labelled["precision"].to_dict() == {"all": 2 / 3, "bogus": 1 / 2, "real": 1}
    assert labelled["recall"].to_dict() == {"all": 2 / 3, "bogus": 1 / 2, "real": 1}


def test_precision_and_recall_by_cause_of_stamps_of_each_kind_right_or_wrong(labels):
    numbers = search_success(candidates(0, 2, 4), labels=labels).set_index("group")
    assert list(numbers.index) == ["all", "bogus", "real", "dipole", "host", "none"]
    # of two hosts one is flipped, and both are candidates
    assert numbers.loc["host", ["stamps", "flipped", "candidates", "found"]].to_list() == [2, 1, 2, 1]
    assert numbers.loc["host", ["precision", "recall"]].to_list() == [1 / 2, 1]
    assert numbers.loc["dipole", "recall"] == 0
    # row 1 was flipped without a cause, row 2 is a candidate with the right label
    assert numbers.loc["none", ["stamps", "flipped", "candidates", "found"]].to_list() == [5, 1, 1, 0]
    # Clopper & Pearson: of one of one the lower limit is 0.025
    assert numbers.loc["host", ["recall_low", "recall_high"]].to_list() == pytest.approx([0.025, 1])


def test_the_causes_are_those_of_the_simulator():
    assert set(CAUSES) == set(MOST_WRONG)


def test_no_candidate_has_no_precision(labels):
    numbers = search_success(candidates(0), labels=labels).set_index("group")
    assert np.isnan(numbers.loc["real", "precision"])
    assert numbers.loc["real", "recall"] == 0
    cells = search_table(numbers.reset_index()).cells
    assert cells.iloc[2].to_list() == [
        *("labelled real (category 6)", "4", "1", "0", "0", "–"),
        *("0.0% [0.0%, 97.5%]", "0"),
    ]


def test_the_queue_in_its_own_order(labels):
    queue = review_queue(candidates(5, 2, 0), labels=labels)
    assert queue["found"].to_list() == [1, 1, 2]
    assert queue["precision"].to_list() == pytest.approx([1, 1 / 2, 2 / 3])
    assert queue["recall"].to_list() == pytest.approx([1 / 3, 1 / 3, 2 / 3])
    assert set(queue["flips"]) == {3}
    assert set(queue["stamps"]) == {8}


@pytest.mark.parametrize(
    ("rows", "without", "message"),
    [
        ([0, 99], None, "1 candidates without a label"),
        ([0, 0], None, "every candidate once"),
        ([0], "cause", "expected true labels"),
        ([0], "true_label", "True labels are known only of flips that the simulator planted"),
    ],
)
def test_an_unknown_answer_is_refused(labels, rows, without, message):
    table = labels.drop(columns=without) if without else labels
    with pytest.raises(ContractError, match=message):
        search_success(candidates(*rows), labels=table)


def test_a_queue_needs_flips_and_candidates(labels):
    with pytest.raises(ContractError, match="found 3 flips and 0 candidates"):
        review_queue(candidates(), labels=labels)
    with pytest.raises(ContractError, match="found 0 flips and 1 candidates"):
        review_queue(candidates(0), labels=labels.assign(true_label=labels["old_label"]))
