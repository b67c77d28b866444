import numpy as np
import pandas as pd
import pytest

from stampshift.tables.reliability import calibration_numbers, calibration_table, reliability_curves


@pytest.fixture
def predictions():
    """Four stamps of a score of 0.9 in each of two splits; scaled by 2 they would score 0.75."""
    columns = {"survey": "B", "method": "mme", "shots": 5, "label": [1, 1, 1, 0], "score": 0.9}
    return pd.concat(
        [
            pd.DataFrame(columns | {"seed": 0, "scaled": 0.75, "temperature": 2.0}),
            pd.DataFrame(columns | {"seed": 1, "scaled": 0.9, "temperature": 1.0}),
        ]
    )


def test_numbers_are_means_over_splits(predictions):
    numbers = calibration_numbers(predictions, bins=4).set_index("quantity")
    assert numbers["mean"][["temperature", "ECE before", "ECE after"]].tolist() == pytest.approx(
        [1.5, 0.15, 0.075]
    )
    assert numbers.loc["ECE after", "std"] == pytest.approx(np.std([0, 0.15], ddof=1))
    assert numbers.loc["Brier before", "mean"] == pytest.approx((3 * 0.01 + 0.81) / 4)
    assert set(numbers["splits"]) == {2}


def test_curves_pool_the_splits(predictions):
    curves = reliability_curves(predictions, bins=4)
    after = curves[(curves["scaling"] == "after") & (curves["count"] > 0)]
    assert after[["low", "count", "mean_score", "share_real"]].to_numpy().tolist() == [
        [0.75, 8, pytest.approx(0.825), 0.75]
    ]


def test_the_table_names_where_the_temperature_comes_from(predictions):
    table = calibration_table(calibration_numbers(predictions, bins=4), pair="A-to-B")
    (row,) = table.cells.to_dict("records")
    assert row["model"] == "MME, 5 shots"
    assert row["temperature"] == "1.500 ± 0.707"
    assert row["ECE before"] == "0.150 ± 0.000"
    assert "fitted on the validation stamps of the same split" in table.caption
