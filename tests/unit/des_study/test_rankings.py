import pandas as pd
import pytest

from stampshift.des_study.label_figures import ranking_figure
from stampshift.des_study.rankings import (
    agreeing_numbers,
    agreeing_table,
    ranked_queues,
    ranking_numbers,
    ranking_table,
)

# rows 0, 1 and 9 are flipped; the networks agree on rows 0 and 1, network 1 alone is surest of row 3
LABELS = pd.DataFrame({"row": range(10), "old_label": [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]})
LABELS["true_label"] = LABELS["old_label"].where(~LABELS["row"].isin([0, 1, 9]), 1 - LABELS["old_label"])
LABELS["cause"] = ""
CANDIDATES = pd.DataFrame(
    {
        "row": [1, 0, 3, 2],
        "label": [1, 0, 1, 0],
        "score": [0.08, 0.93, 0.01, 0.95],
        "agreeing": [4, 4, 2, 1],
    }
)


@pytest.fixture
def queues():
    return ranked_queues(CANDIDATES, labels=LABELS)


def test_the_same_candidates_in_two_orders(queues):
    found = queues.groupby("ranking", sort=False)["found"].agg(list)
    assert found["agreement"] == [1, 2, 2, 2]  # rows 1, 0, 3, 2
    assert found["network"] == [0, 0, 1, 2]  # rows 3, 2, 0, 1, by 0.99, 0.95, 0.93 and 0.92
    assert set(queues["flips"]) == {3}


def test_precision_by_hand(queues):
    numbers = ranking_numbers(queues).set_index(["ranking", "share"])
    assert numbers["reviewed"].to_list() == [1, 1, 2, 4] * 2
    assert numbers.loc["agreement", "precision"].to_list() == [1, 1, 1, 0.5]
    assert numbers.loc["network", "precision"].to_list() == [0, 0, 0, 0.5]
    assert numbers.loc[("agreement", 1.0), "average_precision"] == 1
    assert numbers.loc[("network", 1.0), "average_precision"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    cells = ranking_table(ranking_numbers(queues)).cells
    assert cells.iloc[0].to_list() == [
        "by agreement of the networks",
        "100.0%",
        "100.0%",
        "100.0%",
        "50.0%",
        "1.000",
    ]
    assert cells.columns[3] == "precision of the first 50% (2)"


def test_a_queue_without_a_flip_has_no_average():
    labels = LABELS.assign(true_label=LABELS["old_label"].where(LABELS["row"] != 9, 0))
    cells = ranking_table(ranking_numbers(ranked_queues(CANDIDATES, labels=labels))).cells
    assert cells["average precision"].to_list() == ["–", "–"]


def test_precision_by_the_number_of_agreeing_networks():
    numbers = agreeing_numbers(CANDIDATES, labels=LABELS)
    assert numbers.to_numpy().tolist() == [[4, 2, 2, 1], [2, 1, 0, 0], [1, 1, 0, 0]]
    assert agreeing_table(numbers, networks=4).cells.iloc[0].to_list() == ["4 of 4", "2", "2", "100.0%"]


def test_both_rankings_are_drawn(queues):
    by_number, by_recall = ranking_figure(queues).axes
    agreement, alone, random = by_number.lines
    assert [line.get_label() for line in (agreement, alone)] == [
        "by agreement of the networks",
        "by one network alone",
    ]
    assert list(agreement.get_ydata()) == pytest.approx([1, 1, 2 / 3, 0.5])
    assert list(alone.get_ydata()) == pytest.approx([0, 0, 1 / 3, 0.5])
    assert random.get_ydata()[0] == 0.3
    assert list(by_recall.lines[0].get_xdata()) == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3])
