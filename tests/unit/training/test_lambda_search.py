from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stampshift.core.errors import ContractError
from stampshift.core.files import json_text
from stampshift.training.lambda_search import SEARCH, published_record, search_record, tied_entropy_weights

TABLE = Path(__file__).parents[3] / "resources/published/published_lambda.csv"
GRID = [0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 10]
EVALUATION = {"A": {"balanced_accuracy": 0.9}, "B": {"balanced_accuracy": 0.8}}


def search(rows):
    return pd.DataFrame(rows, columns=SEARCH)


def test_the_mean_over_shots_decides():
    trials = [(0.1, 1, 0.95, 0.1), (0.1, 5, 0.55, 0.1), (0.5, 1, 0.8, 0.9), (0.5, 5, 0.8, 0.9)]
    assert tied_entropy_weights(search(trials)) == [0.5]


def test_of_equals_the_lowest_validation_loss_decides_and_then_the_smaller_weight():
    # the means differ in their last bit only
    trials = [(1, 1, 0.3, 0.2), (1, 5, 0.6, 0.4), (0.2, 1, 0.6, 0.5), (0.2, 5, 0.3, 0.3), (2, 1, 0.2, 0.0)]
    assert tied_entropy_weights(search(trials)) == [1, 0.2]
    equal = [(weight, shots, accuracy, 0.4) for weight, shots, accuracy, _ in trials]
    assert tied_entropy_weights(search(equal)) == [0.2, 1]


def test_weights_of_equal_worth_are_chosen_equally_often():
    """Eight weights of one worth, five numbers of shots, ten validation stamps of each class that saturate.

    The smallest of those that tie, which was the choice, would be 0.01 in two of three searches.
    """
    generator, searches = np.random.default_rng(0), 1000
    margins = generator.normal(4.0, 1.5, (searches, len(GRID), 5, 20))  # logit of the right class
    accuracies, losses = (margins > 0).mean(axis=-1), np.log1p(np.exp(-margins)).mean(axis=-1)
    chosen, smallest = [], []
    for accuracy, loss in zip(accuracies, losses, strict=True):
        rows = {"entropy_weight": np.repeat(GRID, 5), "shots": np.tile([1, 5, 10, 20, 40], len(GRID))}
        columns = {"validation_balanced_accuracy": accuracy.ravel(), "validation_loss": loss.ravel()}
        tied = tied_entropy_weights(pd.DataFrame(rows | columns))
        chosen.append(tied[0])
        smallest.append(min(tied))
    counts = [chosen.count(weight) for weight in GRID]
    assert smallest.count(GRID[0]) > 0.6 * searches
    assert stats.chisquare(counts).pvalue > 0.01, counts


def test_accuracy_on_the_training_stamps_is_kept_and_chooses_nothing():
    runs = [
        {"source": "A", "target": "B", "seed": 0, "shots": shots, "entropy_weight": weight}
        | {"validation_balanced_accuracy": validated, "training_balanced_accuracy": trained}
        | {"validation_loss": 0.5, "evaluation": EVALUATION}
        for weight, shots, validated, trained in [
            (0.5, 5, 0.8, 0.6), (0.5, 0, 0.8, None), (0.1, 0, 0.7, None), (0.1, 5, 0.7, 1.0),
        ]
    ]  # fmt: skip
    record = search_record(runs)
    assert record["chosen"] == 0.5
    assert [row["training_balanced_accuracy"] for row in record["search"]] == [None, 1.0, None, 0.6]
    assert "NaN" not in json_text(record)


def test_the_test_parts_are_recorded_and_choose_nothing():
    runs = [
        {"source": "A", "target": "B", "seed": 0, "shots": 5, "entropy_weight": weight}
        | {"validation_balanced_accuracy": 1.0, "training_balanced_accuracy": 1.0, "validation_loss": loss}
        | {"evaluation": {"A": {"balanced_accuracy": 0.9}, "B": {"balanced_accuracy": tested}}}
        for weight, loss, tested in [(0.1, 0.2, 0.5), (0.5, 0.3, 1.0)]
    ]
    record = search_record(runs)
    assert (record["chosen"], record["tied"]) == (0.1, [0.1, 0.5])
    assert record["test"] == [
        {"entropy_weight": 0.1, "shots": 5, "source": 0.9, "target": 0.5},
        {"entropy_weight": 0.5, "shots": 5, "source": 0.9, "target": 1.0},
    ]
    swapped = [run | {"evaluation": other["evaluation"]} for run, other in zip(runs, runs[::-1], strict=True)]
    assert {name: value for name, value in search_record(swapped).items() if name != "test"} == {
        name: value for name, value in record.items() if name != "test"
    }


def test_the_published_choice_is_read_from_its_table():
    record = published_record("DES", "ATLAS", table=TABLE)
    assert record["chosen"] == 0.5
    with pytest.raises(ContractError, match="expected one published entropy weight of DES to LSST, found 0"):
        published_record("DES", "LSST", table=TABLE)
