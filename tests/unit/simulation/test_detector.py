import numpy as np
import pytest

from stampshift.simulation.detector import (
    column_trail,
    line,
    noise_peak_filter,
    raise_noise_peak,
    saturate,
    smooth,
    spikes,
    staircase_region,
    track,
)


def test_track_keeps_its_charge_and_stays_narrow():
    image = track(np.random.default_rng(0), charge=600.0, length_pixels=6.0, wander=0.0, size_pixels=31)
    assert image.sum() == pytest.approx(600)
    rows, columns = np.nonzero(image)
    assert 4 <= max(np.ptp(rows), np.ptp(columns)) <= 7
    assert np.hypot(rows - 15, columns - 15).max() <= 4.5
    assert len(rows) <= 14


def test_one_pixel_track_is_one_pixel_or_its_neighbours():
    image = track(np.random.default_rng(1), charge=1.0, length_pixels=1.0, wander=0.0, size_pixels=21)
    assert (image > 0).sum() <= 4


def test_column_trail_starts_and_decays():
    image = column_trail(peak=100.0, width=2.0, x=0.0, start=-5.0, direction=1, decay=10.0, size_pixels=31)
    assert (image[: 15 - 5] == 0).all()
    assert image[10, 15] == pytest.approx(100)
    assert image[20, 15] == pytest.approx(100 * np.exp(-1))
    # one pixel from the axis is half the width: half the height
    assert image[10, 16] == pytest.approx(50)
    downward = column_trail(peak=100.0, width=2.0, x=0.0, start=5.0, direction=-1, decay=10.0, size_pixels=31)
    assert np.allclose(downward, image[::-1])


def test_spike_arms_fall_as_their_power():
    image = spikes(x=0.0, y=0.0, amplitude=8.0, power=1.5, angle=0.0, fwhm=2.0, size_pixels=61)
    assert image[30, 30 + 16] == pytest.approx(8 * 16**-1.5, rel=1e-6)
    assert image[30, 30 + 8] / image[30, 30 + 16] == pytest.approx(2**1.5, rel=1e-6)
    for turned in (np.rot90(image), np.rot90(image, 2)):
        assert np.allclose(turned, image)


def test_line_crosses_the_stamp_through_the_center():
    image = line(peak=5.0, angle=0.0, offset=0.0, fwhm=2.0, size_pixels=21)
    assert np.allclose(image[10], 5.0)
    assert np.allclose(image[11], 2.5)


def test_bleeding_conserves_charge_along_the_column():
    image = np.zeros((21, 21))
    image[10, 7] = 500.0
    result = saturate(image, level=100.0)
    # 400 in excess: two pixels up and two down, filled to the level
    assert np.array_equal(np.nonzero(result)[0], [8, 9, 10, 11, 12])
    assert (result[8:13, 7] == 100).all()
    assert result.sum() == 500


def test_unsaturated_image_is_returned_as_it_is():
    image = np.ones((5, 5))
    assert saturate(image, level=2.0) is image


def test_noise_peak_has_the_significance_asked_for():
    noise = np.random.default_rng(2).normal(0, 3.0, (21, 21))
    peak = raise_noise_peak(noise, snr=5.2, sigma=3.0, fwhm=2.0)
    kernel = noise_peak_filter(2.0, 21)
    assert (kernel**2).sum() == pytest.approx(1)
    assert (peak * kernel).sum() / 3.0 == pytest.approx(5.2)
    # far from the centre the noise is as it was
    assert np.allclose(peak[:5], noise[:5])


def test_smoothing_lowers_noise_by_its_ratio_and_keeps_the_mean():
    noise = np.random.default_rng(3).normal(10, 1, (400, 400))
    smoothed = smooth(noise, noise_ratio=0.8)
    assert smoothed.std() == pytest.approx(0.8, rel=0.01)
    assert smoothed.mean() == pytest.approx(noise.mean(), rel=1e-3)


def test_region_without_data_touches_one_side_and_spares_the_center():
    rng = np.random.default_rng(4)
    for _ in range(100):
        mask = staircase_region(rng, size_pixels=63, clearance_pixels=4)
        assert mask.any()
        assert not mask[31 - 4 : 31 + 5, 31 - 4 : 31 + 5].any()
        sides = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
        assert max(side.mean() for side in sides) > 0.5
