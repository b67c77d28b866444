from types import SimpleNamespace

import numpy as np
import pandas as pd

from stampshift.tables.worst import worst_errors

STAMPS = SimpleNamespace(
    survey="B",
    classes=np.array(["SN", "AGN", "spike", "cr", "SN"]),
    ids=np.array(["s0", "a1", "k2", "c3", "s4"]),
)


def predictions():
    """Row 2 is a false positive in both splits; row 3 in one of them, by its mean none; row 4 is a tie."""
    return pd.DataFrame(
        {
            "survey": ["B"] * 8 + ["A"],
            "row": [0, 1, 2, 3, 2, 3, 4, 1, 0],
            "label": [1, 1, 0, 0, 0, 0, 1, 1, 0],
            "score": [0.01, 0.3, 0.9, 0.6, 0.7, 0.1, 0.5, 0.2, 0.99],
        }
    )


def test_the_most_confident_come_first_and_each_stamp_once():
    errors = worst_errors(predictions(), stamps=STAMPS, per_kind=5)
    assert errors.round(3).to_numpy().tolist() == [
        ["false positive", 2, "spike", "k2", 0.8, 2],
        ["missed real", 0, "SN", "s0", 0.01, 1],
        ["missed real", 1, "AGN", "a1", 0.25, 2],
        ["missed real", 4, "SN", "s4", 0.5, 1],
    ]


def test_no_more_than_asked_for():
    errors = worst_errors(predictions(), stamps=STAMPS, per_kind=1)
    assert errors["id"].tolist() == ["k2", "s0"]


def test_a_faultless_model_has_none():
    right = predictions().assign(score=lambda table: table["label"].astype(float))
    errors = worst_errors(right, stamps=STAMPS, per_kind=3)
    assert errors.empty
    assert list(errors) == ["kind", "row", "class", "id", "score", "splits"]
