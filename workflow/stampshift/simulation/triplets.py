"""Exposure: a candidate in its field becomes template, science and difference image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from stampshift.simulation import artifacts, transients
from stampshift.simulation.candidates import Candidate, Recipe, View
from stampshift.simulation.detector import raise_noise_peak, saturate, smooth
from stampshift.simulation.scenes import (
    Conditions,
    Image,
    Mismatch,
    Source,
    apply_mismatch,
    draw_conditions,
    draw_mismatch,
    draw_sources,
    field_sources,
    kernel_error,
)

RECIPES: dict[str, Recipe] = {
    "point_source": transients.point_source,
    "supernova": transients.supernova,
    "agn": transients.agn,
    "variable_star": transients.variable_star,
    "asteroid": transients.asteroid,
    "streak": transients.streak,
    "cosmic_ray": artifacts.cosmic_ray,
    "dipole": artifacts.dipole,
    "saturated_star": artifacts.saturated_star,
    "burn": artifacts.burn,
    "scar": artifacts.scar,
    "spike": artifacts.spike,
    "hot_pixel": artifacts.hot_pixel,
    "bad_column": artifacts.bad_column,
    "noise_peak": artifacts.noise_peak,
    "satellite": artifacts.satellite,
}
# a Gaussian kernel narrower than this does nothing on whole pixels
NARROWEST_KERNEL_PIXELS = 0.3


@dataclass(frozen=True)
class Triplet:
    """A simulated candidate: three images (size, size) in the survey's units, and its truth.

    Attributes
    ----------
    template, science, difference
        float64 (size, size).
    candidate
        What was drawn at the centre.
    conditions
        The exposure.
    neighbours
        Static sources, the candidate's own included.
    """

    template: Image
    science: Image
    difference: Image
    candidate: Candidate
    conditions: Conditions
    neighbours: list[Source]


def draw_triplet(
    survey_class: str,
    *,
    constants: Mapping[str, Any],
    rng: np.random.Generator,
    sky_rng: np.random.Generator,
) -> Triplet:
    """Draw one candidate of a survey's class.

    Parameters
    ----------
    survey_class
        A key of the constants' ``recipes``; its recipes are mixed by their weights.
    constants
        The survey's constants.
    rng
        Random stream of the stamp.
    sky_rng
        Random stream of the astronomical object and its field.
    """
    size = constants["stamp_size_pixels"]
    conditions = draw_conditions(rng, constants=constants)
    mix = constants["recipes"][survey_class]
    weights = np.array(list(mix.values()), float)
    name = list(mix)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    view = View(constants, conditions, size, rng, sky_rng)
    field = field_sources(sky_rng, constants=constants, size_pixels=size)
    candidate = RECIPES[name](view)
    static = field + candidate.static
    mismatch = candidate.mismatch or draw_mismatch(rng, errors=constants["subtraction"])
    images = expose(
        candidate, static=static, mismatch=mismatch, conditions=conditions, constants=constants, rng=rng
    )
    return Triplet(*images, candidate=candidate, conditions=conditions, neighbours=static)


def expose(
    candidate: Candidate,
    *,
    static: list[Source],
    mismatch: Mismatch,
    conditions: Conditions,
    constants: Mapping[str, Any],
    rng: np.random.Generator,
) -> tuple[Image, Image, Image]:
    """Template, science and difference image, noise included.

    Two kinds of difference exist. ``exact``: the template is published as matched, and difference =
    science - template in every pixel (HiTS, ATLAS). ``own``: the template is published with its own
    seeing, and the difference is a product of its own, at the worse seeing of the two (DES, ZTF).
    """
    size, own = constants["stamp_size_pixels"], constants["difference"]["product"] == "own"
    target = conditions.science
    if own and conditions.template.fwhm > target.fwhm:
        target = conditions.template
    constant = draw_sources(static, psf=conditions.science, width_ratio=1.0, size_pixels=size)
    changed = draw_sources(candidate.transient, psf=conditions.science, width_ratio=1.0, size_pixels=size)
    matched = draw_sources(
        apply_mismatch(static, mismatch), psf=target, width_ratio=mismatch.width_ratio, size_pixels=size
    )
    matched = matched + kernel_error(
        matched, rng=rng, rms=constants["subtraction"]["kernel"], noise=conditions.noise
    )
    template_light = matched
    if own:
        template_light = draw_sources(static, psf=conditions.template, width_ratio=1.0, size_pixels=size)
    science_noise, template_noise = _noise(
        constant + changed,
        template_light,
        candidate=candidate,
        conditions=conditions,
        constants=constants,
        rng=rng,
    )
    level = constants["saturation"] - conditions.sky
    full = [light >= level for light in (constant + changed, template_light)]
    # a pixel at the full well holds the full well, whatever the photons
    science_noise[full[0]], template_noise[full[1]] = 0.0, 0.0
    science_pixels, template_pixels = (
        np.zeros((size, size)) if pixels is None else pixels
        for pixels in (candidate.science_pixels, candidate.template_pixels)
    )
    science = saturate(constant + changed, level=level) + science_noise + science_pixels
    template = saturate(template_light, level=level) + template_noise + template_pixels
    science, template = np.minimum(science, level), np.minimum(template, level)
    if not own:
        return template + conditions.sky, science + conditions.sky, science - template
    light = constant + changed
    if target is conditions.template:
        light = template_light + draw_sources(
            candidate.transient, psf=target, width_ratio=1.0, size_pixels=size
        )
    residual = saturate(light, level=level) - saturate(matched, level=level)
    difference = residual + _layers(
        Layer(science_noise, science_pixels, conditions.science.fwhm),
        Layer(template_noise, template_pixels, conditions.template.fwhm),
        width=target.fwhm,
        settings=constants["difference"],
        rng=rng,
    )
    difference[_hidden(science, template, level=level, settings=constants["difference"])] = 0.0
    return template + conditions.sky, science + conditions.sky, difference


class Layer(NamedTuple):
    """What an image shows beside its sources: noise, and marks of the detector; and its seeing in pixels."""

    noise: Image
    marks: Image
    fwhm: float


def _layers(
    science: Layer,
    template: Layer,
    *,
    width: float,
    settings: Mapping[str, Any],
    rng: np.random.Generator,
) -> Image:
    """Noise and marks in a difference that is a product of its own.

    ``smoothed``: both images were brought to one seeing and one grid of pixels, which correlates the
    noise (Alard & Lupton 1998, ApJ 503, 325). ``white``: a proper subtraction has whitened it (Zackay,
    Ofek & Gal-Yam 2016, ApJ 830, 27).
    """
    ratio = float(rng.uniform(*settings["noise_ratio"]))
    if settings["noise"] == "white":
        return science.marks - template.marks + ratio * (science.noise - template.noise)
    both = [_match(layer.noise + layer.marks, have=layer.fwhm, want=width) for layer in (science, template)]
    return smooth(both[0] - both[1], noise_ratio=ratio)


def _hidden(
    science: Image, template: Image, *, level: float, settings: Mapping[str, Any]
) -> NDArray[np.bool_]:
    """Pixels that the subtraction leaves out: saturated ones and their surroundings."""
    full = np.asarray((science >= level) | (template >= level))
    if not full.any():
        return full
    return np.asarray(binary_dilation(full, iterations=settings["masked_pixels"]))


def _noise(
    science: Image,
    template: Image,
    *,
    candidate: Candidate,
    conditions: Conditions,
    constants: Mapping[str, Any],
    rng: np.random.Generator,
) -> tuple[Image, Image]:
    """Sky, read-out and photon noise of both images; the template is a mean of ratio^2 exposures."""
    gain, shape = constants["gain_electron_per_unit"], science.shape
    exposures = (conditions.noise / conditions.template_noise) ** 2
    science_noise = rng.standard_normal(shape) * np.sqrt(conditions.noise**2 + np.maximum(science, 0) / gain)
    template_noise = rng.standard_normal(shape) * np.sqrt(
        conditions.template_noise**2 + np.maximum(template, 0) / (gain * exposures)
    )
    if candidate.noise_peak is not None:
        snr, fwhm = candidate.noise_peak
        science_noise = raise_noise_peak(science_noise, snr=snr, sigma=conditions.noise, fwhm=fwhm)
    return science_noise, template_noise


def _match(layer: Image, *, have: float, want: float) -> Image:
    """Convolve pixels with the Gaussian that takes stars of width `have` to width `want`."""
    kernel = np.sqrt(max(0.0, want**2 - have**2)) / 2.355
    if kernel < NARROWEST_KERNEL_PIXELS:
        return layer
    return np.asarray(gaussian_filter(layer, kernel, truncate=3.0))
