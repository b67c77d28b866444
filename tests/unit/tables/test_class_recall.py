from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stampshift.tables.class_recall import class_recall_table, class_recalls

STAMPS = {"B": SimpleNamespace(classes=np.array(["spike", "SN", "AGN", "SN", "AGN", "spike"]))}


@pytest.fixture
def predictions():
    """Two splits of one model: one SN of three is missed, AGN and spikes are all right."""
    return pd.DataFrame(
        {
            "survey": "B",
            "method": "mme",
            "shots": 5,
            "seed": [0, 0, 0, 1, 1, 1, 1],
            "row": [0, 1, 2, 1, 3, 4, 5],
            "label": [0, 1, 1, 1, 1, 1, 0],
            "score": [
                0.2,
                0.9,
                0.8,
                0.5,
                0.7,
                0.6,
                0.1,
            ],  # row 1 is missed by the second split: a tie is bogus
        }
    )


def test_recalls_by_class_reals_first(predictions):
    recalls = class_recalls(predictions, stamps=STAMPS, confidence=0.95)
    columns = ["class", "label", "recall", "splits", "stamps"]
    assert recalls[columns].to_numpy().tolist() == [
        ["AGN", 1, 1.0, 2, 2],
        ["SN", 1, pytest.approx(2 / 3), 2, 2],  # three evaluations, two distinct stamps
        ["spike", 0, 1.0, 2, 2],
    ]
    assert recalls["std"][1] == pytest.approx(np.std([1, 0.5], ddof=1))


def test_the_interval_is_wilsons():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662
    rows = np.arange(263)
    predictions = pd.DataFrame(
        {"survey": "B", "method": "mme", "shots": 5, "seed": 0, "row": rows, "label": 1}
    ).assign(score=np.where(rows < 81, 0.9, 0.1))
    stamps = {"B": SimpleNamespace(classes=np.full(263, "SN"))}
    (line,) = class_recalls(predictions, stamps=stamps, confidence=0.95).to_dict("records")
    assert (line["low"], line["high"]) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert np.isnan(line["std"])  # a single split


def test_the_table_has_a_line_per_class(predictions):
    recalls = class_recalls(predictions, stamps=STAMPS, confidence=0.95)
    table = class_recall_table(recalls, pair="A-to-B", confidence=0.95)
    assert table.cells.iloc[1].to_dict() == {
        "tested on": "B",
        "class": "SN",
        "label": "real",
        "stamps": "2",
        "MME, 5 shots": "0.667 (0.095 to 0.905)",
    }
    assert "95 per cent" in table.caption
