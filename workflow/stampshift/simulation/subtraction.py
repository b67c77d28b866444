"""What coaddition, interpolation and subtraction do to pixels and their noise."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fftfreq, ifftshift, irfft2, next_fast_len, rfft2
from scipy.ndimage import convolve1d, correlate1d, gaussian_filter

from stampshift.simulation.drawing import Image, Psf, Source, draw_sources

Spectrum = NDArray[np.complex128]
LANCZOS_ORDER = 3
# A mean of exposures interpolated at all shifts alike has noise with the spectrum of one at this shift:
# neighbours correlate by 0.112, pixels two apart by -0.076, both to 0.001.
COADD_SHIFT = 0.25
AVERAGED_SHIFTS = 64
FAINTEST_TRANSFER = 1e-3  # below, a point-spread function has passed nothing
MARGIN_PIXELS = 8  # around a stamp, longer than the kernels of a subtraction
NARROWEST_KERNEL_PIXELS = 0.3  # a narrower Gaussian does nothing on whole pixels


def interpolation_kernels(shifts: tuple[float, float], *, interpolations: int) -> list[NDArray[np.float64]]:
    """Kernels along y and x through which the noise of a template has gone.

    One interpolation is that of its exposures to the grid of the coadd, at all shifts; a second one brings
    the coadd to the grid of the science image, at `shifts` (0 to 1 pixel) of this stamp's own. Both are
    Lanczos-3, the default of SWarp (Bertin et al. 2002, ASP Conf. 281, 228) and the choice of Rubin's
    pipeline (Bosch et al. 2018, PASJ 70, S5).
    """
    kernels = []
    for shift in shifts:
        kernel = np.ones(1)
        for each in (COADD_SHIFT, shift)[:interpolations]:
            kernel = np.convolve(kernel, lanczos(each))
        kernels.append(kernel)
    return kernels


def lanczos(shift: float) -> NDArray[np.float64]:
    """Weights of the six pixels around a place that is `shift` (0 to 1) of a pixel past the third of them."""
    x = np.arange(1 - LANCZOS_ORDER, LANCZOS_ORDER + 1) - shift
    weights = np.sinc(x) * np.sinc(x / LANCZOS_ORDER)
    return np.asarray(weights / weights.sum())


def interpolated(noise: Image, kernels: Sequence[NDArray[np.float64]]) -> Image:
    """White noise as interpolation correlates it (Casertano et al. 2000, AJ 120, 2747), its variance kept."""
    for axis, kernel in enumerate(kernels):
        if len(kernel) > 1:
            noise = convolve1d(noise, kernel / math.sqrt(kernel @ kernel), axis=axis, mode="wrap")
    return noise


def resampled(light: Image, shifts: tuple[float, float]) -> Image:
    """Light at places `shifts` (y and x, 0 to 1) of a pixel past its pixels', by Lanczos-3 interpolation.

    Stars narrower than about 2.5 pixels are not sampled well enough for it: between two pixels it dims what
    changes from pixel to pixel, at a pixel it does not.
    """
    for axis, shift in enumerate(shifts):
        light = correlate1d(light, np.concatenate([[0.0], lanczos(shift)]), axis=axis, mode="nearest")
    return light


@lru_cache(maxsize=4)
def mean_interpolation(padded: int) -> Spectrum:
    """Transfer function of Lanczos-3 interpolation, averaged over shifts, of an image of `padded` pixels."""
    shifts = (np.arange(AVERAGED_SHIFTS) + 0.5) / AVERAGED_SHIFTS
    offsets = np.arange(1 - LANCZOS_ORDER, LANCZOS_ORDER + 1)
    weights = np.array([lanczos(shift) for shift in shifts])
    # each shift undone, so that an average stays where it is
    phases = 2 * np.pi * fftfreq(padded)[:, None, None] * (offsets - shifts[:, None])
    response = (weights * np.cos(phases)).sum(2).mean(1)
    return np.asarray(np.outer(response, response[: padded // 2 + 1]), np.complex128)


def proper_difference(
    science: Image,
    template: Image,
    *,
    psfs: tuple[Psf, Psf],
    noises: tuple[float, float],
    width_ratio: float,
) -> Image:
    """Proper subtraction (Zackay, Ofek & Gal-Yam 2016, ApJ 830, 27, eq. 13), in the units of the images.

    Images without sky, point-spread functions and background noises are those of science and template; the
    template's function is taken for narrower than it is by `width_ratio`, and is that of a template after
    interpolation at all shifts: one function serves many stars. The noise of the difference is white. Where
    the template is the wider one, its highest frequencies have to be amplified: what it or the functions
    are wrong by rings around a bright star, from pixel to pixel. The method promises no artifacts for
    images that are "accurately registered, adequately sampled", which a star of two pixels' width is not.
    """
    size = len(science)
    psfs = (psfs[0], replace(psfs[1], fwhm=psfs[1].fwhm / width_ratio))
    ours, theirs = (_transfer(psf, size_pixels=size) for psf in psfs)
    theirs = theirs * mean_interpolation(_padded(size)[0])
    variance = (noises[0] * np.abs(theirs)) ** 2 + (noises[1] * np.abs(ours)) ** 2
    spectrum = theirs * _spectrum(science) - ours * _spectrum(template)
    return _image(math.hypot(*noises) * spectrum / np.sqrt(variance), size_pixels=size)


def reconvolved(light: Image, *, have: Psf, want: Psf) -> Image:
    """Light seen through one point-spread function, as through a wider one."""
    sharp, wide = (_transfer(psf, size_pixels=len(light)) for psf in (have, want))
    kernel = wide * sharp.conj() / (np.abs(sharp) ** 2 + FAINTEST_TRANSFER**2)
    return _image(kernel * _spectrum(light), size_pixels=len(light))


def _padded(size_pixels: int) -> tuple[int, int]:
    """Size of a stamp with its margins, and the width of the first of them."""
    padded = next_fast_len(size_pixels + 2 * MARGIN_PIXELS, real=True)
    return padded, (padded - size_pixels) // 2


def _spectrum(image: Image) -> Spectrum:
    padded, before = _padded(len(image))
    # the margin repeats the pixel at the edge
    nearest = np.clip(np.arange(padded) - before, 0, len(image) - 1)
    return np.asarray(rfft2(image[np.ix_(nearest, nearest)]))


def _image(spectrum: Spectrum, *, size_pixels: int) -> Image:
    padded, before = _padded(size_pixels)
    inside = slice(before, before + size_pixels)
    return np.asarray(irfft2(spectrum, s=(padded, padded))[inside, inside])


@lru_cache(maxsize=4)  # a stamp's two functions are asked for twice
def _transfer(psf: Psf, *, size_pixels: int) -> Spectrum:
    """Fourier transform of a point-spread function about the first pixel, 1 at zero frequency."""
    padded, _ = _padded(size_pixels)
    star = draw_sources([Source(0.0, 0.0, 1.0)], psf=psf, width_ratio=1.0, size_pixels=padded)
    return np.asarray(rfft2(ifftshift(star / star.sum())))


def match(layer: Image, *, have: float, want: float) -> Image:
    """Convolve pixels with the Gaussian that takes stars of width `have` to width `want`."""
    kernel = np.sqrt(max(0.0, want**2 - have**2)) / 2.355
    if kernel < NARROWEST_KERNEL_PIXELS:
        return layer
    return np.asarray(gaussian_filter(layer, kernel, truncate=3.0))
