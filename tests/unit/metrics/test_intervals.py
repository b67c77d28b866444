import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stampshift.core.errors import ContractError
from stampshift.metrics.intervals import (
    Bootstrap,
    balanced_accuracy,
    binomial_interval,
    fpr_at_mdr,
    interval,
    mean_interval,
)
from stampshift.metrics.metrics import detection_curve
from stampshift.metrics.metrics import fpr_at_mdr as fpr_of_curve

BOOTSTRAP = Bootstrap(samples=400, confidence=0.95, seed=0)
coarse = st.lists(st.integers(0, 8), min_size=1, max_size=40)


def scored(n, *, seed):
    generator = np.random.default_rng(seed)
    labels = np.repeat([1, 0], n)
    return labels, np.clip(generator.normal(0.35 + 0.3 * labels, 0.15), 0, 1)


def test_binomial_intervals():
    # Newcombe (1998), table I, methods 3 and 5: 81 of 263
    wilson = binomial_interval(81, 263, confidence=0.95, method="wilson")
    assert wilson == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    exact = binomial_interval(81, 263, confidence=0.95, method="exact")
    assert exact == (pytest.approx(0.2527, abs=5e-5), pytest.approx(0.3676, abs=5e-5))


def test_the_interval_of_a_mean_is_near_that_of_a_normal_distribution():
    values = np.random.default_rng(0).normal(size=400)
    low, high = mean_interval(values, bootstrap=Bootstrap(samples=4000, confidence=0.95, seed=0))
    error = values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_false_positive_rate_of_a_hand_computed_case():
    real, bogus = np.array([0.9, 0.8, 0.6, 0.4]), np.array([0.7, 0.5, 0.3, 0.1])
    # none may be missed: the threshold is 0.4, two bogus reach it; one of four: 0.6, one does
    assert fpr_at_mdr(0.05)(real, bogus) == 0.5
    assert fpr_at_mdr(0.25)(real, bogus) == 0.25
    assert fpr_at_mdr(0.5)(real, bogus) == 0


@given(real=coarse, bogus=coarse, mdr=st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 0.9]))
@settings(max_examples=200, deadline=None)
def test_it_is_that_of_the_detection_curve_ties_included(real, bogus, mdr):
    real, bogus = np.array(real) / 8, np.array(bogus) / 8
    labels = [1] * len(real) + [0] * len(bogus)
    curve = detection_curve(labels, np.concatenate([real, bogus]))
    assert fpr_at_mdr(mdr)(real, bogus) == pytest.approx(fpr_of_curve(curve, [mdr])[0], abs=1e-12)


def test_many_samples_at_once_are_as_one_at_a_time():
    generator = np.random.default_rng(1)
    real, bogus = generator.random((7, 40)), generator.random((7, 30))
    for statistic in (fpr_at_mdr(0.1), balanced_accuracy):
        one_by_one = [statistic(*pair) for pair in zip(real, bogus, strict=True)]
        np.testing.assert_array_equal(statistic(real, bogus), one_by_one)


def test_balanced_accuracy_with_a_tie_called_bogus():
    assert balanced_accuracy(np.array([0.9, 0.5]), np.array([0.5, 0.1, 0.6, 0.2])) == (0.5 + 0.75) / 2


def test_a_perfect_model_has_an_interval_of_no_width():
    found = interval([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], statistic=balanced_accuracy, bootstrap=BOOTSTRAP)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_interval_of_a_recall_is_close_to_the_binomial_one():
    # a bogus recall of 1 and a real recall of 0.8 of 400: its standard error is 0.02, halved in the mean
    labels, scores = [1] * 400 + [0] * 50, [0.9] * 320 + [0.1] * 80 + [0.1] * 50
    bootstrap = Bootstrap(samples=4000, confidence=0.95, seed=3)
    found = interval(labels, scores, statistic=balanced_accuracy, bootstrap=bootstrap)
    assert found.value == 0.9
    assert (found.low, found.high) == pytest.approx((0.9 - 1.96 * 0.01, 0.9 + 1.96 * 0.01), abs=0.002)


def test_numbers_of_either_label_stay_as_they_are():
    seen = set()

    def sizes(real, bogus):
        seen.add((real.shape[-1], bogus.shape[-1]))
        return real.mean(axis=-1)

    interval([1, 1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4, 0.5], statistic=sizes, bootstrap=BOOTSTRAP)
    assert seen == {(3, 2)}


def test_the_same_seed_gives_the_same_interval_and_another_another():
    labels, scores = scored(200, seed=0)
    first, again = (
        interval(labels, scores, statistic=fpr_at_mdr(0.05), bootstrap=BOOTSTRAP) for _ in range(2)
    )
    assert first == again
    other = Bootstrap(samples=400, confidence=0.95, seed=1)
    assert interval(labels, scores, statistic=fpr_at_mdr(0.05), bootstrap=other) != first


def test_a_difference_is_of_the_same_resamples():
    labels, scores = scored(200, seed=0)
    same = interval(labels, scores, against=scores, statistic=fpr_at_mdr(0.05), bootstrap=BOOTSTRAP)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    # the second calls every stamp as the first does but for ten bogus, which it passes
    worse = scores.copy()
    worse[np.flatnonzero((labels == 0) & (scores < 0.5))[:10]] = 0.99
    found = interval(labels, worse, against=scores, statistic=balanced_accuracy, bootstrap=BOOTSTRAP)
    assert found.value == pytest.approx(-10 / 200 / 2)
    assert found.low < found.value < found.high < 0


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 0, 0], [0.1, 0.2, 0.3], "at least two stamps of each label to draw from, found 1 real and 2"),
        ([1, 1, 0, 2], [0.1, 0.2, 0.3, 0.4], "expected labels 1 .real. and 0"),
        ([1, 1, 0, 0], [0.1, 0.2, np.nan, 0.4], "expected scores between 0 and 1, found nan"),
    ],
)
def test_what_cannot_be_resampled_is_refused(labels, scores, message):
    with pytest.raises(ContractError, match=message):
        interval(labels, scores, statistic=balanced_accuracy, bootstrap=BOOTSTRAP)
