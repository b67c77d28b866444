import numpy as np
import pytest

from stampshift.simulation.drawing import Psf, Source, draw_sources
from stampshift.simulation.subtraction import (
    COADD_SHIFT,
    interpolated,
    interpolation_kernels,
    lanczos,
    mean_interpolation,
    proper_difference,
    reconvolved,
    resampled,
)


def correlations(kernel):
    """Of noise through a kernel: neighbours, pixels two apart, ..."""
    power = np.correlate(kernel, kernel, "full")
    middle = len(kernel) - 1
    return power[middle + 1 :] / power[middle]


def star(psf, *, flux=1.0, size=63, x=0.0):
    return draw_sources([Source(x, 0.0, flux)], psf=psf, width_ratio=1.0, size_pixels=size)


def test_lanczos_weights_by_hand():
    # half way: sinc(1/2) sinc(1/6) = 0.6079, sinc(3/2) sinc(1/2) = -0.1351, sinc(5/2) sinc(5/6) = 0.0243
    half = np.array([0.0243, -0.1351, 0.6079, 0.6079, -0.1351, 0.0243])
    assert lanczos(0.5) == pytest.approx(half / half.sum(), abs=2e-4)
    assert lanczos(0.0) == pytest.approx([0, 0, 1, 0, 0, 0], abs=1e-12)
    # its neighbours: 0.6079^2 - 2 x 0.6079 x 0.1351 - 2 x 0.1351 x 0.0243, over the sum of squares 0.7767
    assert correlations(lanczos(0.5))[0] == pytest.approx(0.256, abs=0.001)


def test_a_coadd_has_the_noise_of_one_shift():
    powers = [np.correlate(lanczos(shift), lanczos(shift), "full") for shift in (np.arange(100) + 0.5) / 100]
    mean = np.mean(powers, axis=0)
    kernel = lanczos(COADD_SHIFT)
    assert np.correlate(kernel, kernel, "full") == pytest.approx(mean, abs=0.001)


def test_a_coadd_of_sixteen_exposures_is_four_times_deeper_and_correlated():
    generator = np.random.default_rng(0)
    exposures = []
    for _ in range(16):
        kernels = [lanczos(shift) for shift in generator.uniform(0, 1, 2)]
        lowered = np.sqrt(np.prod([kernel @ kernel for kernel in kernels]))
        exposures.append(lowered * interpolated(generator.standard_normal((200, 200)), kernels))
    coadd = np.mean(exposures, axis=0)
    # the noise of a large aperture is sqrt(16) times less; that of a pixel, which interpolation lowers, more
    sums = coadd.reshape(10, 20, 10, 20).sum(axis=(1, 3))
    assert sums.std() / 20 == pytest.approx(1 / 4, rel=0.15)
    assert coadd.std() == pytest.approx(0.893 / 4, rel=0.03)
    assert (coadd[:, 1:] * coadd[:, :-1]).mean() / coadd.var() == pytest.approx(0.112, abs=0.04)


def test_interpolated_noise_correlates_as_its_kernel_and_keeps_its_variance():
    noise = np.random.default_rng(0).standard_normal((400, 400))
    kernels = [np.convolve(lanczos(COADD_SHIFT), lanczos(shift)) for shift in (0.5, 0.0)]
    found = interpolated(noise, kernels)
    assert found.std() == pytest.approx(1, abs=0.01)
    for axis, kernel in enumerate(kernels):
        pairs = [(found * np.roll(found, lag, axis)).mean() for lag in (1, 2, 3)]
        assert pairs == pytest.approx(correlations(kernel)[:3], abs=0.01)
    assert correlations(kernels[0])[0] == pytest.approx(0.294, abs=0.001)


@pytest.mark.parametrize(("interpolations", "length"), [(0, 1), (1, 6), (2, 11)])
def test_every_interpolation_adds_its_kernel(interpolations, length):
    kernels = interpolation_kernels((0.3, 0.6), interpolations=interpolations)
    assert [len(kernel) for kernel in kernels] == [length, length]
    assert [kernel.sum() for kernel in kernels] == pytest.approx([1, 1])
    noise = np.random.default_rng(1).standard_normal((20, 20))
    assert np.array_equal(interpolated(noise, kernels), noise) == (interpolations == 0)


def test_a_constant_star_is_subtracted_and_a_new_one_keeps_its_flux():
    ours, theirs = Psf(3.0, 3.0, 0.0, 0.0), Psf(4.0, 3.0, 0.05, 0.0)
    science = star(ours, flux=1000.0) + star(ours, flux=100.0, x=15)
    difference = proper_difference(
        science, star(theirs, flux=1000.0), psfs=(ours, theirs), noises=(1.0, 0.2), width_ratio=1.0
    )
    core = difference[26:37, 26:37]
    assert np.abs(core).max() < 0.005 * science.max()
    near = difference[24:39, 39:54]
    assert near.sum() == pytest.approx(100, rel=0.06)
    assert np.unravel_index(difference.argmax(), difference.shape) == (31, 46)


def test_a_template_taken_for_too_narrow_leaves_a_bright_core():
    psf = Psf(3.0, 3.0, 0.0, 0.0)
    image = star(psf, flux=1000.0)
    difference = proper_difference(image, image, psfs=(psf, psf), noises=(1.0, 0.2), width_ratio=1.02)
    assert difference[31, 31] > 0.01 * image.max()
    assert difference[31, 34] < 0


def test_reconvolution_takes_a_star_to_the_wider_function():
    have, want = Psf(3.0, 3.5, 0.0, 0.0), Psf(4.5, 3.5, 0.03, -0.05)
    found = reconvolved(star(have, flux=100.0), have=have, want=want)
    assert np.abs(found - star(want, flux=100.0))[3:-3, 3:-3].max() < 0.01 * found.max()


def test_resampling_leaves_a_star_in_place_and_dims_what_alternates():
    wide, narrow = Psf(4.0, 3.0, 0.0, 0.0), Psf(1.6, 3.0, 0.0, 0.0)
    for psf, largest in ((wide, 0.006), (narrow, 0.2)):
        moved = draw_sources([Source(0.5, 0.3, 100.0)], psf=psf, width_ratio=1.0, size_pixels=63)
        error = resampled(moved, (0.3, 0.5)) - star(psf, flux=100.0)
        assert np.abs(error).max() < largest * star(psf, flux=100.0).max()
    assert np.abs(error).max() > 0.02 * star(narrow, flux=100.0).max()
    alternating = np.tile([1.0, -1.0], (10, 5))
    # half way between two pixels of opposite sign there is nothing; at a pixel all is there
    assert resampled(alternating, (0.0, 0.5))[:, 4:6] == pytest.approx(0, abs=1e-12)
    assert resampled(alternating, (0.0, 0.0)) == pytest.approx(alternating)


def test_the_mean_interpolation_is_the_transform_of_the_continuous_kernel():
    response = mean_interpolation(64)[0].real
    x = np.linspace(-3, 3, 6001)
    kernel = np.sinc(x) * np.sinc(x / 3)
    for number in (0, 8, 32):  # frequencies 0, 1/8 and 1/2 per pixel
        expected = (kernel * np.cos(2 * np.pi * x * number / 64)).sum() * 0.001
        assert response[number] == pytest.approx(expected, abs=0.01)
