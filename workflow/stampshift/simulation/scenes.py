"""Sky, point-spread function, sources and observing conditions: everything in a stamp that light made.

Positions are in pixels from the central pixel of the stamp (row and column ``size // 2``), x along
columns, y along rows. Fluxes are in the survey's image units (ADU or DN). The point-spread function
is the effective one, pixel response included, as seeing is measured on images; it is therefore drawn
without a further convolution by the pixel. Drawing is by GalSim (Rowe et al. 2015, A&C 10, 121).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import galsim
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve

Image = NDArray[np.float64]

# stamps hold 2,000 to 4,000 noisy pixels: a per-cent of a per-cent of the peak is accurate enough
FAST = galsim.GSParams(minimum_fft_size=64, folding_threshold=5e-2, maxk_threshold=3e-2, kvalue_accuracy=1e-3)
FIELD_MARGIN_PIXELS = 4
KERNEL_ERROR_PIXELS = 5
# in units of the noise per pixel
FAINTEST_ERROR = 0.2


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

    def profile(self, *, blur: float) -> galsim.GSObject:
        """Profile of unit flux, its width enlarged in quadrature by `blur` (FWHM, pixels)."""
        width = float(np.hypot(self.fwhm, blur))
        return galsim.Moffat(beta=self.beta, fwhm=width, gsparams=FAST).shear(g1=self.g1, g2=self.g2)


@dataclass(frozen=True)
class Source:
    """A star, or a galaxy if it has a half-light radius.

    Attributes
    ----------
    x, y
        Position in pixels from the stamp's central pixel.
    flux
        Total flux in image units; negative for a star that faded.
    half_light_radius
        In pixels; 0 for a point source.
    sersic_index
        Sersic (1963) index; None for a barely resolved galaxy, drawn as a broadened star.
    g1, g2
        Reduced shear of the galaxy's ellipse.
    """

    x: float
    y: float
    flux: float
    half_light_radius: float = 0.0
    sersic_index: float | None = None
    g1: float = 0.0
    g2: float = 0.0


@dataclass(frozen=True)
class Mismatch:
    """How the matched template misses the science image: shift (px), width ratio, flux ratio."""

    dx: float
    dy: float
    width_ratio: float
    flux_ratio: float


@dataclass(frozen=True)
class Conditions:
    """One exposure and its template: widths in pixels, noise per pixel and sky in image units."""

    science: Psf
    template: Psf
    noise: float
    template_noise: float
    sky: float
    depth_mag: float

    @property
    def flux_error(self) -> float:
        """Error of the flux that a matched filter measures of a faint star in the science image."""
        return float(self.noise * np.sqrt(self.science.effective_pixels))


def effective_pixels(fwhm: float) -> float:
    """Noise-equivalent area of a Gaussian star in pixels: 4 pi sigma^2 = 2.266 FWHM^2."""
    return 2.266 * fwhm**2


def flux_of_magnitude(magnitude: float | Image, *, zero_point_mag: float) -> Any:
    """Flux in image units of a magnitude."""
    return 10 ** (0.4 * (zero_point_mag - magnitude))


def magnitude_of_counts(rng: np.random.Generator, *, bounds: list[float], slope: float, count: int) -> Image:
    """Magnitudes between two bounds whose numbers rise as 10^(slope m)."""
    brightest, faintest = bounds
    return faintest + np.log10(rng.uniform(10 ** (slope * (brightest - faintest)), 1, count)) / slope


def noise_of_depth(*, depth_mag: float, zero_point_mag: float, fwhm: float) -> float:
    """Noise per pixel of an image whose 5-sigma point-source depth is `depth_mag`."""
    flux = float(flux_of_magnitude(depth_mag, zero_point_mag=zero_point_mag))
    return flux / (5 * np.sqrt(effective_pixels(fwhm)))


def draw_conditions(rng: np.random.Generator, *, constants: Mapping[str, Any]) -> Conditions:
    """Seeing, depth, noise and sky of one exposure and its template."""
    scale, psf = constants["pixel_scale_arcsec"], constants["psf"]
    fwhm = rng.uniform(*constants["seeing_fwhm_arcsec"]) / scale
    shapes = rng.normal(0, psf["ellipticity"] / np.sqrt(2), 4).clip(-0.3, 0.3)
    science = Psf(fwhm, psf["moffat_beta"], shapes[0], shapes[1])
    template = science
    if constants["difference"]["product"] == "own":
        width = rng.uniform(*constants["template"]["fwhm_arcsec"]) / scale
        template = Psf(width, psf["moffat_beta"], shapes[2], shapes[3])
    depth = rng.uniform(*constants["depth_mag"])
    noise = noise_of_depth(depth_mag=depth, zero_point_mag=constants["zero_point_mag"], fwhm=fwhm)
    background = constants["sky"]
    # sky noise grows as the root of the sky (power 2); read noise and scaled images blur that relation
    pedestal = background["level"] * (noise / background["noise"]) ** background["power"]
    pedestal *= np.exp(rng.normal(0, background["scatter"]))
    sky = pedestal if background["kept"] else 0.0
    ratio = np.exp(rng.uniform(*np.log(constants["template"]["noise_ratio"])))
    return Conditions(science, template, noise, noise / ratio, sky, depth)


def draw_mismatch(rng: np.random.Generator, *, errors: Mapping[str, float]) -> Mismatch:
    """Ordinary errors of registration and matching: normal, of given standard deviations."""
    dx, dy = rng.normal(0, errors["shift_pixels"], 2)
    width, flux = 1 + rng.normal(0, [errors["width"], errors["flux"]])
    return Mismatch(float(dx), float(dy), float(width), float(flux))


def kernel_error(light: Image, *, rng: np.random.Generator, rms: float, noise: float) -> Image:
    """Light that errors of the matching kernel move between neighbouring pixels: checkers and rings.

    The errors are independent in each of KERNEL_ERROR_PIXELS squared pixels of the kernel, less their
    flux and their shift: those are the mismatch's. Where even the brightest star would not show them
    above the noise, they are left out.
    """
    side = KERNEL_ERROR_PIXELS
    errors = rng.normal(0, rms, (side, side))
    if rms * light.max() < FAINTEST_ERROR * noise:
        return np.zeros_like(light)
    axis = np.arange(side) - side // 2
    for slope in (np.broadcast_to(axis, (side, side)), np.broadcast_to(axis[:, None], (side, side))):
        errors = errors - slope * (slope * errors).sum() / (slope**2).sum()
    return np.asarray(convolve(light, errors - errors.mean(), mode="constant"))


def apply_mismatch(sources: Sequence[Source], mismatch: Mismatch) -> list[Source]:
    """Move sources to where the matched template shows them, and rescale them (the width is the Psf's)."""
    return [
        replace(s, x=s.x + mismatch.dx, y=s.y + mismatch.dy, flux=s.flux * mismatch.flux_ratio)
        for s in sources
    ]


def field_sources(
    rng: np.random.Generator, *, constants: Mapping[str, Any], size_pixels: int
) -> list[Source]:
    """Stars and galaxies that happen to lie on the stamp.

    Numbers per magnitude rise as 10^(slope m) from the brightest to the faint limit; the density of
    stars is drawn log-uniformly from its range, as it is the galactic latitude's.
    """
    field, scale = constants["field"], constants["pixel_scale_arcsec"]
    side = size_pixels + 2 * FIELD_MARGIN_PIXELS
    area_arcmin2 = (side * scale / 60) ** 2
    sources = []
    for kind in ("stars", "galaxies"):
        low, high = np.log(field[kind]["per_arcmin2"])
        count = rng.poisson(area_arcmin2 * np.exp(rng.uniform(low, high)))
        magnitudes = magnitude_of_counts(
            rng,
            bounds=[field["brightest_mag"], field["faintest_mag"]],
            slope=field[kind]["slope"],
            count=count,
        )
        fluxes = flux_of_magnitude(magnitudes, zero_point_mag=constants["zero_point_mag"])
        places = rng.uniform(-side / 2, side / 2, (count, 2))
        for (x, y), flux in zip(places, fluxes, strict=True):
            radius, g1, g2 = 0.0, 0.0, 0.0
            if kind == "galaxies":
                radius = rng.uniform(*field[kind]["half_light_arcsec"]) / scale
                g1, g2 = rng.normal(0, 0.15, 2).clip(-0.5, 0.5)
            sources.append(Source(float(x), float(y), float(flux), radius, None, float(g1), float(g2)))
    return sources


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
            galaxy = galsim.Sersic(
                source.sersic_index, half_light_radius=source.half_light_radius, gsparams=FAST
            )
            galaxy = galaxy.shear(g1=source.g1, g2=source.g2)
            galaxy = galsim.Transform(galaxy, offset=(source.x, source.y), flux_ratio=source.flux)
            galsim.Convolve([galaxy, psf.profile(blur=0.0)], gsparams=FAST).drawImage(
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
