from pathlib import Path

import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.core.files import json_text
from stampshift.training.lambda_search import choose_entropy_weight, published_record, search_record

TABLE = Path(__file__).parents[3] / "resources/published/published_lambda.csv"


def search(rows):
    return pd.DataFrame(rows, columns=["entropy_weight", "shots", "validation_balanced_accuracy"])


def test_the_mean_over_shots_decides():
    assert (
        choose_entropy_weight(search([(0.1, 1, 0.95), (0.1, 5, 0.55), (0.5, 1, 0.8), (0.5, 5, 0.8)])) == 0.5
    )


def test_the_smaller_weight_of_equals():
    # the two means differ in their last bit only
    assert choose_entropy_weight(search([(1, 1, 0.3), (1, 5, 0.6), (0.2, 1, 0.6), (0.2, 5, 0.3)])) == 0.2


def test_accuracy_on_the_training_stamps_is_kept_and_chooses_nothing():
    runs = [
        {"source": "A", "target": "B", "seed": 0, "shots": shots, "entropy_weight": weight}
        | {"validation_balanced_accuracy": validated, "training_balanced_accuracy": trained}
        for weight, shots, validated, trained in [
            (0.5, 5, 0.8, 0.6), (0.5, 0, 0.8, None), (0.1, 0, 0.7, None), (0.1, 5, 0.7, 1.0),
        ]
    ]  # fmt: skip
    record = search_record(runs)
    assert record["chosen"] == 0.5
    assert [row["training_balanced_accuracy"] for row in record["search"]] == [None, 1.0, None, 0.6]
    assert "NaN" not in json_text(record)


def test_the_published_choice_is_read_from_its_table():
    record = published_record("DES", "ATLAS", table=TABLE)
    assert record["chosen"] == 0.5
    with pytest.raises(ContractError, match="expected one published entropy weight of DES to LSST, found 0"):
        published_record("DES", "LSST", table=TABLE)
