import numpy as np
import pandas as pd
import pytest

from stampshift.tables.score_tables import (
    FPR_GRID,
    calibration_numbers,
    calibration_table,
    mean_curves,
    operating_point_table,
    operating_points,
    reliability_curves,
    score_histograms,
)

# by falling score: R R B R B B, so MDR falls 1, 2/3, 1/3, 1/3, 0 while FPR rises 0, 0, 0, 1/3, 1/3, 2/3, 1
LABELS = [1, 1, 0, 1, 0, 0]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]


def predictions(*splits):
    """Scores of LABELS, a list per split, of one model."""
    parts = [
        pd.DataFrame(
            {"survey": "B", "method": "mme", "shots": 5, "seed": seed, "label": LABELS, "score": scores}
        )
        for seed, scores in enumerate(splits)
    ]
    return pd.concat(parts)


def test_mean_curve_of_two_splits():
    curves = mean_curves(predictions(SCORES, [0.9, 0.8, 0.1, 0.7, 0.1, 0.1])).set_index("fpr")
    assert len(curves) == len(FPR_GRID)
    first = curves.loc[0.0]  # one of three missed in the first split, none in the second
    assert first["mean"] == pytest.approx(1 / 6)
    assert first["std"] == pytest.approx(np.std([1 / 3, 0], ddof=1))
    assert (first["low"], first["high"], first["splits"]) == (0, pytest.approx(1 / 3), 2)
    assert curves.loc[0.5, "high"] == 0


def test_operating_points_of_a_hand_computed_case():
    numbers = operating_points(predictions(SCORES), mdr=[0.01, 0.5], fpr=[0.1]).set_index("quantity")
    assert numbers["mean"].to_dict() == pytest.approx(
        {
            "AUC": 8 / 9,  # one of nine pairs of a real and a bogus stamp is in the wrong order
            "FPR at MDR 0.01": 1 / 3,
            "FPR at MDR 0.5": 0,
            "MDR at FPR 0.1": 1 / 3,
            "FPR at score 0.5": 1 / 3,
            "MDR at score 0.5": 0,
        },
        abs=1e-12,
    )
    assert numbers["std"].isna().all()  # a single split
    assert set(numbers["n_real"]) == set(numbers["n_bogus"]) == {3}


def test_the_table_has_a_line_per_model_and_survey():
    numbers = operating_points(predictions(SCORES, SCORES), mdr=[0.5], fpr=[])
    table = operating_point_table(numbers, pair="A-to-B")
    (row,) = table.cells.to_dict("records")
    assert row == {
        "tested on": "B",
        "model": "MME, 5 shots",
        "AUC": "0.889 ± 0.000",
        "FPR at MDR 0.5": "0.000 ± 0.000",
        "FPR at score 0.5": "0.333 ± 0.000",
        "MDR at score 0.5": "0.000 ± 0.000",
    }
    assert "Models of A to B on test parts" in table.caption
    assert "over 2 splits" in table.caption


@pytest.fixture
def calibrated():
    """Four stamps of a score of 0.9 in each of two splits; scaled by 2 they would score 0.75."""
    columns = {"survey": "B", "method": "mme", "shots": 5, "label": [1, 1, 1, 0], "score": 0.9}
    return pd.concat(
        [
            pd.DataFrame(columns | {"seed": 0, "scaled": 0.75, "temperature": 2.0}),
            pd.DataFrame(columns | {"seed": 1, "scaled": 0.9, "temperature": 1.0}),
        ]
    )


def test_numbers_are_means_over_splits(calibrated):
    numbers = calibration_numbers(calibrated, bins=4).set_index("quantity")
    assert numbers["mean"][["temperature", "ECE before", "ECE after"]].tolist() == pytest.approx(
        [1.5, 0.15, 0.075]
    )
    assert numbers.loc["ECE after", "std"] == pytest.approx(np.std([0, 0.15], ddof=1))
    assert numbers.loc["Brier before", "mean"] == pytest.approx((3 * 0.01 + 0.81) / 4)
    assert set(numbers["splits"]) == {2}


def test_curves_pool_the_splits(calibrated):
    curves = reliability_curves(calibrated, bins=4)
    after = curves[(curves["scaling"] == "after") & (curves["count"] > 0)]
    assert after[["low", "count", "mean_score", "share_real"]].to_numpy().tolist() == [
        [0.75, 8, pytest.approx(0.825), 0.75]
    ]


def test_the_table_names_where_the_temperature_comes_from(calibrated):
    table = calibration_table(calibration_numbers(calibrated, bins=4), pair="A-to-B")
    (row,) = table.cells.to_dict("records")
    assert row["model"] == "MME, 5 shots"
    assert row["temperature"] == "1.500 ± 0.707"
    assert row["ECE before"] == "0.150 ± 0.000"
    assert "fitted on the validation stamps of the same split" in table.caption


def test_counts_are_means_per_split_by_label():
    predictions = pd.DataFrame(
        {
            "survey": "B",
            "method": "mme",
            "shots": 5,
            "seed": [0, 0, 0, 1, 1],
            "label": [1, 1, 0, 1, 0],
            "score": [0.0, 1.0, 0.5, 0.9, 0.49],
        }
    )
    histograms = score_histograms(predictions, bins=2)
    columns = ["label", "low", "high", "count", "splits"]
    assert histograms[columns].to_numpy().tolist() == [
        [0, 0.0, 0.5, 0.5, 2],  # 0.49
        [0, 0.5, 1.0, 0.5, 2],  # 0.5: an edge counts above it
        [1, 0.0, 0.5, 0.5, 2],
        [1, 0.5, 1.0, 1.0, 2],  # 0.9 and 1, the last bin's upper edge
    ]
