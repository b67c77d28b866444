import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from stampshift.metrics.calibration import (
    add_scaled,
    calibrated_splits,
    calibration_quantities,
    expected_calibration_error,
    fit_temperature,
    logit_difference,
    negative_log_likelihood,
    reliability,
    temperature_scaled,
)


def overconfident(temperature, *, count=20_000):
    """Labels drawn from calibrated scores, and scores whose logits are `temperature` times too large."""
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 2, count)
    labels = (generator.random(count) < expit(logits)).astype(int)
    return labels, expit(logits * temperature)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_synthetic_logits_is_recovered(temperature):
    labels, scores = overconfident(temperature)
    assert fit_temperature(labels, scores) == pytest.approx(temperature, rel=0.05)


def test_a_hand_computed_temperature():
    # three of four right, every margin log 9: the likelihood is highest where each is called 3/4
    labels, scores = [1, 1, 1, 0], [0.9] * 4
    assert fit_temperature(labels, scores) == pytest.approx(np.log(9) / np.log(3), rel=1e-5)


def test_scaling_improves_calibration_and_changes_no_call():
    labels, scores = overconfident(3.0)
    scaled = temperature_scaled(scores, fit_temperature(labels, scores))
    assert expected_calibration_error(labels, scores, bins=15) > 0.1
    assert expected_calibration_error(labels, scaled, bins=15) < 0.02  # of 20,000 draws
    np.testing.assert_array_equal(scaled > 0.5, scores > 0.5)


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([1, 0, 1], [0.9, 0.2, 0.6]),  # every call right: the colder the better
        ([1, 0], [0.2, 0.7]),  # every call wrong: the hotter the better
    ],
)
def test_where_no_temperature_is_best_none_is_returned(labels, scores):
    assert fit_temperature(labels, scores) is None


def test_saturated_scores_are_as_sure_as_float32_allows_at_both_ends():
    scores = np.array([0, 1e-45, 0.5, 1 - 2.0**-24, 1], np.float32)
    logits = logit_difference(scores)
    assert logits[0] == logits[1] == -logits[4] == pytest.approx(-17.33, abs=0.01)
    assert logits[2] == 0
    assert logits[3] == pytest.approx(np.log(2**24), abs=1e-3)  # the largest float32 below 1 stays apart
    assert negative_log_likelihood([0], [1.0], temperature=1) == pytest.approx(17.33, abs=0.01)


@given(st.lists(st.floats(2**-24, 1 - 2**-24), min_size=1), st.floats(0.1, 10))
def test_scaling_divides_the_logits(scores, temperature):
    scaled = temperature_scaled(scores, temperature)
    np.testing.assert_allclose(scaled, expit(logit_difference(scores) / temperature))
    np.testing.assert_allclose(temperature_scaled(scores, 1), scores, rtol=1e-6)


def test_reliability_of_a_hand_computed_case():
    table = reliability([0, 1, 1, 0, 1], [0.1, 0.3, 0.5, 0.9, 1.0], bins=2)
    assert table["count"].tolist() == [2, 3]
    assert table["mean_score"].tolist() == pytest.approx([0.2, 0.8])
    assert table["share_real"].tolist() == pytest.approx([1 / 2, 2 / 3])


def test_an_empty_bin_has_no_share():
    table = reliability([0, 1], [0.1, 0.9], bins=4)
    assert table["share_real"].isna().tolist() == [False, True, True, False]


def test_calibration_numbers_of_a_hand_computed_case():
    numbers = calibration_quantities([0, 1, 1, 0, 1], [0.1, 0.3, 0.5, 0.9, 1.0], bins=2)
    assert numbers["ECE"] == pytest.approx(2 / 5 * 0.3 + 3 / 5 * (0.8 - 2 / 3))
    assert numbers["Brier"] == pytest.approx((0.01 + 0.49 + 0.25 + 0.81 + 0) / 5)
    expected = -np.log([0.9, 0.3, 0.5, 0.1, 1.0]).mean()
    assert numbers["NLL"] == pytest.approx(expected, abs=1e-6)


def test_scores_that_keep_their_word_have_no_calibration_error():
    assert expected_calibration_error([0, 0, 0, 1], [0.25] * 4, bins=15) == 0


@pytest.fixture
def validation():
    return pd.DataFrame(
        {
            "seed": [0] * 4 + [1] * 2,
            "survey": "B",
            "label": [1, 1, 1, 0, 1, 0],
            "score": [0.9, 0.9, 0.9, 0.9, 0.8, 0.3],
        }
    )


def test_every_split_has_its_own_temperature(validation):
    first, second = calibrated_splits(validation)
    assert first["temperature"] == pytest.approx(2, rel=1e-5)
    assert first["fitted"]
    assert first["nll_after"] == pytest.approx(-(3 * np.log(3 / 4) + np.log(1 / 4)) / 4)
    assert (second["temperature"], second["fitted"]) == (1.0, False)  # all right: left as they are
    assert second["nll_before"] == second["nll_after"]
    assert (first["stamps"], second["stamps"], first["survey"]) == (4, 2, "B")


def test_each_line_is_scaled_by_its_own_split(validation):
    record = {"method": "mme", "shots": 5, "splits": calibrated_splits(validation)}
    predictions = pd.DataFrame(
        {"method": "mme", "shots": 5, "seed": [0, 1], "label": [1, 1], "score": [0.9, 0.9]}
    )
    scaled = add_scaled(predictions, records=[record])
    assert scaled["scaled"].tolist() == pytest.approx([0.75, 0.9])
    assert scaled["temperature"].tolist() == pytest.approx([2, 1])
