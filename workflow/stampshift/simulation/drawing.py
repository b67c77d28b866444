"""Stars and galaxies through a point-spread function, drawn by GalSim (Rowe et al. 2015, A&C 10, 121).

Positions are in pixels from the central pixel of the stamp (row and column ``size // 2``), x along
columns, y along rows. Fluxes are in the survey's image units (ADU or DN). The point-spread function
is the effective one, pixel response included: it is drawn without a further convolution by the pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import galsim
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float64]

# stamps hold 2,000 to 4,000 noisy pixels: a per-cent of a per-cent of the peak is accurate enough
FAST = galsim.GSParams(minimum_fft_size=64, folding_threshold=5e-2, maxk_threshold=3e-2, kvalue_accuracy=1e-3)


@dataclass(frozen=True)
class Psf:
    """An elliptical Moffat profile of given full width at half maximum (pixels)."""

    fwhm: float
    beta: float
    g1: float
    g2: float

    @property
    def effective_pixels(self) -> float:
        """Noise-equivalent area in pixels, 1 / sum of squares: what a matched filter collects noise from."""
        scale2 = self.fwhm**2 / (4 * (2 ** (1 / self.beta) - 1))
        return float(np.pi * scale2 * (2 * self.beta - 1) / (self.beta - 1) ** 2)

    def profile(self) -> galsim.GSObject:
        """Profile of unit flux."""
        return galsim.Moffat(beta=self.beta, fwhm=self.fwhm, gsparams=FAST).shear(g1=self.g1, g2=self.g2)


@dataclass(frozen=True)
class Source:
    """A star, or a galaxy if it has a half-light radius."""

    x: float  # pixels from the stamp's central pixel
    y: float
    flux: float  # total, in image units; negative for a star that faded
    half_light_radius: float = 0.0  # pixels; 0 for a point source
    sersic_index: float | None = None  # Sersic (1963); None: barely resolved, drawn as a broadened star
    g1: float = 0.0  # reduced shear of the galaxy's ellipse
    g2: float = 0.0


def draw_sources(sources: Sequence[Source], *, psf: Psf, width_ratio: float, size_pixels: int) -> Image:
    """Noiseless image (size, size) of sources seen through `psf` widened by `width_ratio`."""
    if not sources:
        return np.zeros((size_pixels, size_pixels))
    psf = replace(psf, fwhm=psf.fwhm * width_ratio)
    image = galsim.ImageD(size_pixels, size_pixels, init_value=0)
    # GalSim counts from 1: the central pixel, also of an even stamp, is size // 2 + 1
    center = galsim.PositionD(size_pixels // 2 + 1, size_pixels // 2 + 1)
    simple = [source for source in sources if source.sersic_index is None]
    for source in sources:
        if source.sersic_index is not None:
            radius = source.half_light_radius
            galaxy = galsim.Sersic(source.sersic_index, half_light_radius=radius, gsparams=FAST)
            galaxy = galaxy.shear(g1=source.g1, g2=source.g2)
            galaxy = galsim.Transform(galaxy, offset=(source.x, source.y), flux_ratio=source.flux)
            galsim.Convolve([galaxy, psf.profile()], gsparams=FAST).drawImage(
                image, scale=1.0, method="no_pixel", center=center, add_to_image=True
            )
    if simple:
        image.array[:] += _moffats(simple, psf=psf, size_pixels=size_pixels)
    return image.array


def _moffats(sources: Sequence[Source], *, psf: Psf, size_pixels: int) -> Image:
    """All stars and broadened stars at once: GalSim's Moffat profile, without its cost per object."""
    axis = np.arange(size_pixels) - size_pixels // 2
    x, y, flux, radius, g1, g2 = np.array(
        [(s.x, s.y, s.flux, s.half_light_radius, s.g1, s.g2) for s in sources]
    ).T
    scale2 = (psf.fwhm**2 + (2 * radius) ** 2) / (4 * (2 ** (1 / psf.beta) - 1))
    # inverse of the star's shear after the galaxy's, and the quadratic form that it makes of a distance
    g1, g2 = np.where(radius > 0, (g1, g2), 0.0)
    star, galaxy = _inverse_shear(psf.g1, psf.g2), _inverse_shear(g1, g2)
    matrix = np.einsum("ij,jkn->ikn", star, galaxy)
    (xx, xy), (_, yy) = np.einsum("ijn,ikn->jkn", matrix, matrix) / scale2
    dx, dy = axis - x[:, None], axis - y[:, None]
    distance2 = (2 * xy[:, None] * dy)[:, :, None] * dx[:, None, :]
    distance2 += (yy[:, None] * dy**2)[:, :, None] + 1
    distance2 += (xx[:, None] * dx**2)[:, None, :]
    return np.tensordot(flux * (psf.beta - 1) / (np.pi * scale2), _inverse_power(distance2, psf.beta), axes=1)


def _inverse_power(values: Image, power: float) -> Image:
    """Values ** -power; whole and half powers, the usual ones, by products, ten times faster."""
    if (2 * power) % 1 or power < 1:
        return np.asarray(values**-power)
    result = values.copy()
    for _ in range(int(power) - 1):
        result *= values
    if power % 1:
        result *= np.sqrt(values)
    return np.asarray(np.divide(1.0, result, out=result))


def _inverse_shear(g1: Any, g2: Any) -> NDArray[np.float64]:
    """Matrix that takes positions in a sheared image to those before the reduced shear (g1, g2)."""
    return np.array([[1 - g1, -g2], [-g2, 1 + g1]]) / np.sqrt(1 - g1**2 - g2**2)
