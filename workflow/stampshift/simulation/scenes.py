"""Observing conditions, fields of sources, and how a matched template misses the science image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.ndimage import convolve

from stampshift.simulation.drawing import Image, Psf, Source

FIELD_MARGIN_PIXELS = 4
KERNEL_ERROR_PIXELS = 5
FAINTEST_ERROR = 0.2  # in units of the noise per pixel


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
    extinction_mag: float = 0.0  # of clouds in the science image; the template is scaled to it
    grid_shifts: tuple[float, float] = (0.0, 0.0)  # of the template's pixels before interpolation, y and x

    @property
    def flux_error(self) -> float:
        """Error of the flux that a matched filter measures of a faint star in the science image."""
        return float(self.noise * np.sqrt(self.science.effective_pixels))


def flux_of_magnitude(magnitude: float | Image, *, zero_point_mag: float) -> Any:
    """Flux in image units of a magnitude."""
    return 10 ** (0.4 * (zero_point_mag - magnitude))


def magnitude_of_counts(rng: Generator, *, bounds: list[float], slope: float, count: int) -> Image:
    """Magnitudes between two bounds whose numbers rise as 10^(slope m)."""
    brightest, faintest = bounds
    return faintest + np.log10(rng.uniform(10 ** (slope * (brightest - faintest)), 1, count)) / slope


def noise_of_depth(*, depth_mag: float, zero_point_mag: float, fwhm: float) -> float:
    """Noise per pixel of an image whose 5-sigma point-source depth is `depth_mag`."""
    flux = float(flux_of_magnitude(depth_mag, zero_point_mag=zero_point_mag))
    # a Gaussian star has a noise-equivalent area of 4 pi sigma^2 = 2.266 FWHM^2 pixels
    return flux / (5 * np.sqrt(2.266 * fwhm**2))


def draw_conditions(rng: Generator, *, constants: Mapping[str, Any], cloud_share: float = 0.0) -> Conditions:
    """Seeing, depth, noise and sky of one exposure and its template, `cloud_share` of them through clouds."""
    scale, psf = constants["pixel_scale_arcsec"], constants["psf"]
    fwhm = rng.uniform(*constants["seeing_fwhm_arcsec"]) / scale
    shapes = rng.normal(0, psf["ellipticity"] / np.sqrt(2), 4).clip(-0.3, 0.3)
    science = Psf(fwhm, psf["moffat_beta"], shapes[0], shapes[1])
    template = science
    if constants["difference"]["product"] != "exact":
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
    extinction = 0.0
    if rng.random() < cloud_share:
        extinction = float(rng.uniform(*constants["clouds"]["extinction_mag"]))
    template_noise = noise / ratio * 10 ** (-0.4 * extinction)
    y, x = rng.uniform(0, 1, 2)
    return Conditions(
        science, template, noise, template_noise, sky, depth - extinction, extinction, (float(y), float(x))
    )


def draw_mismatch(rng: Generator, *, errors: Mapping[str, float]) -> Mismatch:
    """Ordinary errors of registration and matching: normal, of given standard deviations."""
    dx, dy = rng.normal(0, errors["shift_pixels"], 2)
    width, flux = 1 + rng.normal(0, [errors["width"], errors["flux"]])
    return Mismatch(float(dx), float(dy), float(width), float(flux))


def opposite(mismatch: Mismatch) -> Mismatch:
    """The errors of the other sign: what they leave of a star is reversed, as long as they are small."""
    return Mismatch(-mismatch.dx, -mismatch.dy, 1 / mismatch.width_ratio, 1 / mismatch.flux_ratio)


def kernel_error(light: Image, *, rng: Generator, rms: float, noise: float) -> Image:
    """Light that errors of the matching kernel move between neighbouring pixels: checkers and rings.

    The errors are independent in each of KERNEL_ERROR_PIXELS squared pixels of the kernel, less their flux
    and their shift: those are the mismatch's. They are 0 where not even the brightest star would show them.
    """
    side = KERNEL_ERROR_PIXELS
    errors = rng.normal(0, rms, (side, side))
    if rms * light.max() < FAINTEST_ERROR * noise:
        return np.zeros_like(light)
    for slope in np.indices((side, side))[::-1] - side // 2:
        errors = errors - slope * (slope * errors).sum() / (slope**2).sum()
    return np.asarray(convolve(light, errors - errors.mean(), mode="constant"))


def apply_mismatch(sources: Sequence[Source], mismatch: Mismatch) -> list[Source]:
    """Move sources to where the matched template shows them, and rescale them (the width is the Psf's)."""
    dx, dy, ratio = mismatch.dx, mismatch.dy, mismatch.flux_ratio
    return [replace(s, x=s.x + dx, y=s.y + dy, flux=s.flux * ratio) for s in sources]


def field_sources(
    rng: Generator, *, constants: Mapping[str, Any], size_pixels: int, zero_point_mag: float
) -> list[Source]:
    """Stars and galaxies that happen to be on the stamp, their densities log-uniform in their ranges."""
    field, scale = constants["field"], constants["pixel_scale_arcsec"]
    side = size_pixels + 2 * FIELD_MARGIN_PIXELS
    area_arcmin2 = (side * scale / 60) ** 2
    sources = []
    for kind in ("stars", "galaxies"):
        low, high = np.log(field[kind]["per_arcmin2"])
        count = rng.poisson(area_arcmin2 * np.exp(rng.uniform(low, high)))
        bounds = [field["brightest_mag"], field["faintest_mag"]]
        magnitudes = magnitude_of_counts(rng, bounds=bounds, slope=field[kind]["slope"], count=count)
        fluxes = flux_of_magnitude(magnitudes, zero_point_mag=zero_point_mag)
        places = rng.uniform(-side / 2, side / 2, (count, 2))
        for (x, y), flux in zip(places, fluxes, strict=True):
            radius, g1, g2 = 0.0, 0.0, 0.0
            if kind == "galaxies":
                radius = rng.uniform(*field[kind]["half_light_arcsec"]) / scale
                g1, g2 = rng.normal(0, 0.15, 2).clip(-0.5, 0.5)
            sources.append(Source(float(x), float(y), float(flux), radius, None, float(g1), float(g2)))
    return sources
