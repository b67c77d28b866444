import numpy as np
import pytest

from stampshift.stamps.autoscan import (
    COLUMNS,
    STAMP_FEATURES,
    binned_by_two,
    fine_structure,
    gaussian_fit,
    normalised,
    stamp_features,
)


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 2.0, (3, 51, 51))


def clear(stack):
    return np.zeros(stack.shape, bool)


def test_there_are_38_columns():
    assert len(COLUMNS) == len(set(COLUMNS)) == 38
    assert list(COLUMNS) == sorted(COLUMNS)
    assert len(STAMP_FEATURES) == 18


def test_what_is_measured_are_the_18_features_of_stamps(noise):
    assert set(stamp_features(noise, noise, masked=clear(noise))) == set(STAMP_FEATURES)


def test_normalised_noise_has_median_0_and_unit_spread(noise):
    values = normalised(noise + 100, masked=clear(noise))
    assert np.median(values, axis=(1, 2)) == pytest.approx([0, 0, 0], abs=1e-12)
    assert values.std() == pytest.approx(1, rel=0.05)


def test_masked_pixels_do_not_count(noise):
    masked = clear(noise)
    masked[:, :10] = True
    spoilt = np.where(masked, 1e30, noise)
    values = normalised(spoilt, masked=masked)
    assert np.abs(values).max() < 6
    assert (values[masked] == 0).all()
    features = stamp_features(noise, spoilt, masked=masked)
    assert features["MASKFRAC"] == pytest.approx([10 / 51] * 3)


def test_constant_and_entirely_masked_stamps_give_finite_features():
    stack = np.full((2, 51, 51), 3.0)
    masked = clear(stack)
    masked[1] = True
    for column in stamp_features(stack, stack, masked=masked).values():
        assert np.isfinite(column).all()


def test_binning_keeps_unit_noise(noise):
    binned = binned_by_two(noise / 2)
    assert binned.shape == (3, 25, 25)
    assert binned.std() == pytest.approx(1, rel=0.06)
    # four pixels of 1, 2, 3 and 4 add up to 10, over the root of four
    assert binned_by_two(np.array([[[1.0, 2.0], [3.0, 4.0]]])) == pytest.approx(5.0)


def test_gaussian_fit_finds_width_and_height():
    y, x = np.mgrid[:15, :15] - 7
    boxes = np.stack([3.0 * np.exp(-(x**2 + y**2) / (2 * sigma**2)) for sigma in (1.5, 2.5)])
    chi2, sigma, amplitude = gaussian_fit(boxes)
    assert sigma == pytest.approx([1.5, 2.5])
    assert amplitude == pytest.approx([3, 3])
    assert chi2 == pytest.approx([0, 0], abs=1e-9)


def test_counts_of_bright_and_dark_pixels_by_hand(noise):
    # faint noise everywhere, then 2 x 2 blocks aligned with the bins of the central boxes
    difference = noise * 1e-3
    difference[:, 24:26, 24:26] = 0.02
    difference[:, 26:28, 24:26] = -0.02
    features = stamp_features(noise * 1e-3, difference, masked=clear(noise))
    assert (features["N3SIG3"] >= 1).all() and (features["N3SIG3"] <= features["N2SIG3"]).all()
    assert (features["N2SIG3"] <= features["N2SIG5"]).all()
    assert (features["N3SIG3SHIFT"] >= 0).all()


def test_point_source_is_positive_round_and_cosmic_ray_sharp():
    y, x = np.mgrid[:51, :51] - 25
    rng = np.random.default_rng(1)
    star = 20 * np.exp(-(x**2 + y**2) / (2 * 1.6**2)) + rng.normal(0, 1, (51, 51))
    ray = rng.normal(0, 1, (51, 51))
    ray[25, 25] += 60
    stack = np.stack([star, ray])
    features = stamp_features(rng.normal(0, 1, (2, 51, 51)), stack, masked=clear(stack))
    assert features["SCALE"][0] == pytest.approx(1.6, abs=0.3)
    assert features["SCALE"][1] <= 0.75
    assert features["LACOSMIC"][1] > 3 * features["LACOSMIC"][0]
    assert features["DIFFSUMRN"][0] > 20


def test_fine_structure_ignores_single_pixels():
    stack = np.zeros((1, 21, 21))
    stack[0, 10, 10] = 100.0
    assert np.array_equal(fine_structure(stack), np.zeros((1, 21, 21)))
