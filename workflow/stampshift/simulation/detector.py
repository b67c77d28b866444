"""What the detector and the telescope leave on pixels: tracks, trails, bleeds, spikes, noise peaks.

Rows are y, columns x; positions are in pixels from the central pixel ``size // 2``.
"""

from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from stampshift.simulation.drawing import Image

TRACK_STEP_PIXELS = 0.1


@lru_cache(maxsize=16)
def pixel_grid(size_pixels: int) -> Image:
    """Rows y and columns x of every pixel, counted from the central one, read-only."""
    grid = np.indices((size_pixels, size_pixels), np.float64) - size_pixels // 2
    grid.setflags(write=False)
    return grid


def track(rng: Generator, *, charge: float, length_pixels: float, wander: float, size_pixels: int) -> Image:
    """Path of a charged particle through the central pixel, its charge spread evenly along it.

    `wander` is the standard deviation of the change of direction in radians per pixel: near 0 for a muon,
    large for the "worms" of multiply scattered electrons in thick detectors.
    """
    steps = max(1, round(length_pixels / TRACK_STEP_PIXELS))
    turns = rng.normal(0, wander * np.sqrt(TRACK_STEP_PIXELS), steps)
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(turns)
    paths = [np.cumsum(step) * TRACK_STEP_PIXELS for step in (np.cos(angles), np.sin(angles))]
    columns, rows = (
        np.rint(path - path.mean() + shift).astype(int) + size_pixels // 2
        for path, shift in zip(paths, rng.uniform(-0.5, 0.5, 2), strict=True)
    )
    inside = (columns >= 0) & (columns < size_pixels) & (rows >= 0) & (rows < size_pixels)
    image = np.zeros((size_pixels, size_pixels))
    np.add.at(image, (rows[inside], columns[inside]), charge / steps)
    return image


def column_trail(
    *, peak: float, width: float, x: float, start: float, direction: int, decay: float, size_pixels: int
) -> Image:
    """Trail along columns from row `start` on, decaying exponentially, Gaussian across (FWHM `width`)."""
    rows, columns = pixel_grid(size_pixels)
    along = direction * (rows - start)
    profile = np.exp(-4 * np.log(2) * ((columns - x) / width) ** 2)
    return np.where(along >= 0, peak * np.exp(-np.maximum(along, 0) / decay), 0.0) * profile


def spikes(
    *, x: float, y: float, amplitude: float, power: float, angle: float, fwhm: float, size_pixels: int
) -> Image:
    """Four diffraction arms of a star at (x, y), falling as ``amplitude * r**-power``, star-wide across."""
    rows, columns = pixel_grid(size_pixels)
    u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    v = -(columns - x) * np.sin(angle) + (rows - y) * np.cos(angle)
    image = np.zeros((size_pixels, size_pixels))
    for along, across in ((u, v), (v, u)):
        # within two star widths, where the star's own light dominates, the arms no longer rise
        arm = np.maximum(np.abs(along), 2 * fwhm) ** -power
        image += arm * np.exp(-4 * np.log(2) * (across / fwhm) ** 2)
    return amplitude * image


def line(*, peak: float, angle: float, offset: float, fwhm: float, size_pixels: int) -> Image:
    """Trail across the whole stamp, passing `offset` pixels from the centre, star-wide across."""
    rows, columns = pixel_grid(size_pixels)
    across = -columns * np.sin(angle) + rows * np.cos(angle) - offset
    return peak * np.exp(-4 * np.log(2) * (across / fwhm) ** 2)


def saturate(image: Image, *, level: float) -> Image:
    """Clip pixels at `level` and let their excess charge bleed along the column, and off the stamp."""
    if image.max() <= level:
        return image
    result = image.copy()
    for column in np.unique(np.nonzero(image > level)[1]):
        values = result[:, column]
        brightest = int(np.argmax(values))
        excess = float(np.maximum(values - level, 0).sum())
        np.minimum(values, level, out=values)
        for direction in (-1, 1):
            rest, row = excess / 2, brightest
            while rest > 0 and 0 <= row < len(values):
                taken = min(rest, level - values[row])
                values[row] += taken
                rest -= taken
                row += direction
    return result


def noise_peak_filter(fwhm: float, size_pixels: int) -> Image:
    """Gaussian detection filter at the central pixel, of unit sum of squares."""
    rows, columns = pixel_grid(size_pixels)
    kernel = np.exp(-4 * np.log(2) * (rows**2 + columns**2) / fwhm**2)
    return kernel / np.sqrt((kernel**2).sum())


def raise_noise_peak(noise: Image, *, snr: float, sigma: float, fwhm: float) -> Image:
    """White noise conditioned on having signal-to-noise `snr` at the centre under a detection filter.

    The component along the filter is replaced: this is what a search through very much noise would find.
    """
    kernel = noise_peak_filter(fwhm, noise.shape[0])
    return noise + (snr * sigma - float((noise * kernel).sum())) * kernel


def smooth(image: Image, *, noise_ratio: float) -> Image:
    """Smoothing by (a, 1 - 2a, a) along both axes that lowers white noise by `noise_ratio`."""
    # the smaller root of (1 - 2a)^2 + 2 a^2 = noise_ratio
    weight = float((4 - np.sqrt(16 - 24 * (1 - noise_ratio))) / 12)
    kernel = (weight, 1 - 2 * weight, weight)
    return np.asarray(convolve1d(convolve1d(image, kernel, axis=0), kernel, axis=1))


def staircase_region(rng: Generator, *, size_pixels: int, clearance_pixels: int) -> NDArray[np.bool_]:
    """Pixels without data along one side of the stamp, with a stepped border, the centre kept free."""
    edge = rng.uniform(1, size_pixels // 2 - clearance_pixels)
    mask = np.zeros((size_pixels, size_pixels), bool)
    heights = np.full(size_pixels, edge)
    for position in rng.integers(0, size_pixels, rng.integers(0, 6)):
        heights[position:] += rng.normal(0, 3)
    heights = heights.clip(0, size_pixels // 2 - clearance_pixels)
    mask[np.arange(size_pixels)[:, None] < heights[None, :]] = True
    return np.rot90(mask, int(rng.integers(4)))
