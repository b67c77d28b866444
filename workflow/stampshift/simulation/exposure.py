"""One triplet of a class: a candidate in its field becomes template, science and difference image."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.ndimage import binary_dilation, gaussian_filter

from stampshift.simulation import artifacts, scenes, transients
from stampshift.simulation.detector import raise_noise_peak, saturate, smooth
from stampshift.simulation.drawing import Image, Psf, Source, draw_sources
from stampshift.simulation.recipe import Candidate, Recipe, View
from stampshift.simulation.scenes import Conditions, Mismatch

Images = tuple[Image, Image]  # of science and template
Marks = tuple[Image | float, Image | float]
NARROWEST_KERNEL_PIXELS = 0.3  # a narrower Gaussian does nothing on whole pixels
RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe
    for recipe in (
        *(transients.point_source, transients.supernova, transients.agn, transients.variable_star),
        *(transients.asteroid, transients.streak, artifacts.cosmic_ray, artifacts.dipole),
        *(artifacts.saturated_star, artifacts.burn, artifacts.scar, artifacts.spike, artifacts.hot_pixel),
        *(artifacts.bad_column, artifacts.noise_peak, artifacts.satellite),
    )
}


@dataclass(frozen=True)
class Triplet:
    """A simulated candidate: three float64 images (size, size) in the survey's units, and its truth."""

    template: Image
    science: Image
    difference: Image
    candidate: Candidate
    conditions: Conditions
    neighbours: list[Source]  # static sources, the candidate's own included
    recipe: str  # name of the candidate's


def draw_triplet(
    survey_class: str, *, constants: Mapping[str, Any], rng: Generator, sky_rng: Generator
) -> Triplet:
    """Draw one candidate of a survey's class, whose recipes are mixed by their weights.

    `rng` is the stamp's random stream, `sky_rng` that of the astronomical object and its field.
    """
    size = constants["stamp_size_pixels"]
    conditions = scenes.draw_conditions(rng, constants=constants)
    mix = constants["recipes"][survey_class]
    weights = np.array(list(mix.values()), float)
    name = list(mix)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    view = View(constants, conditions, size, rng, sky_rng)
    field = scenes.field_sources(sky_rng, constants=constants, size_pixels=size)
    candidate = RECIPES[name](view)
    static = field + candidate.static
    mismatch = candidate.mismatch or scenes.draw_mismatch(rng, errors=constants["subtraction"])
    images = expose(candidate, static=static, mismatch=mismatch, view=view)
    return Triplet(*images, candidate, conditions, neighbours=static, recipe=name)


def expose(
    candidate: Candidate, *, static: list[Source], mismatch: Mismatch, view: View
) -> tuple[Image, Image, Image]:
    """Template, science and difference image, noise included.

    Two kinds of difference exist. ``exact``: the template is published as matched, and difference =
    science - template in every pixel (HiTS, ATLAS). ``own``: the template is published with its own
    seeing, and the difference is a separate product, at the worse seeing of the two (DES, ZTF).
    """
    settings, sky = view.constants["difference"], view.conditions.sky
    published, subtracted, target = _light(candidate, static=static, mismatch=mismatch, view=view)
    noises = _noises(published, candidate=candidate, view=view)
    level = view.constants["saturation"] - sky
    marks = (candidate.science_pixels, candidate.template_pixels)
    images = []
    for seen, noise, mark in zip(published, noises, marks, strict=True):
        # a pixel at the full well holds the full well, whatever the photons
        noise[seen >= level] = 0.0
        images.append(np.minimum(saturate(seen, level=level) + noise + mark, level))
    science, template = images
    if settings["product"] != "own":
        return template + sky, science + sky, science - template
    at_target, matched = (saturate(light, level=level) for light in subtracted)
    difference = at_target - matched + _own_noise(noises, marks, width=target.fwhm, view=view)
    # the subtraction leaves out saturated pixels and their surroundings
    full = np.asarray((science >= level) | (template >= level))
    if full.any():
        difference[binary_dilation(full, iterations=settings["masked_pixels"])] = 0.0
    return template + sky, science + sky, difference


def _light(
    candidate: Candidate, *, static: list[Source], mismatch: Mismatch, view: View
) -> tuple[Images, Images, Psf]:
    """Noiseless science and template as published, both at the difference's seeing, and that seeing."""
    conditions, own = view.conditions, view.constants["difference"]["product"] == "own"
    draw = partial(draw_sources, width_ratio=1.0, size_pixels=view.size_pixels)
    widest = max(conditions.science, conditions.template, key=lambda psf: psf.fwhm)
    target = widest if own else conditions.science
    science = draw(static, psf=conditions.science) + draw(candidate.transient, psf=conditions.science)
    matched = draw(scenes.apply_mismatch(static, mismatch), psf=target, width_ratio=mismatch.width_ratio)
    matched = matched + scenes.kernel_error(
        matched, rng=view.rng, rms=view.constants["subtraction"]["kernel"], noise=conditions.noise
    )
    template = draw(static, psf=conditions.template) if own else matched
    at_target = science
    if target is conditions.template:
        at_target = template + draw(candidate.transient, psf=target)
    return (science, template), (at_target, matched), target


def _noises(light: Images, *, candidate: Candidate, view: View) -> Images:
    """Sky, read-out and photon noise of both images; the template is a mean of ratio^2 exposures."""
    conditions, gain = view.conditions, view.constants["gain_electron_per_unit"]
    exposures = (conditions.noise / conditions.template_noise) ** 2
    science, template = (
        view.rng.standard_normal(seen.shape) * np.sqrt(sigma**2 + np.maximum(seen, 0) / electrons)
        for seen, sigma, electrons in (
            (light[0], conditions.noise, gain),
            (light[1], conditions.template_noise, gain * exposures),
        )
    )
    if candidate.noise_peak is not None:
        snr, fwhm = candidate.noise_peak
        science = raise_noise_peak(science, snr=snr, sigma=conditions.noise, fwhm=fwhm)
    return science, template


def _own_noise(noises: Images, marks: Marks, *, width: float, view: View) -> Image:
    """Noise and marks of the detector in a difference that is a separate product, at seeing `width`.

    ``smoothed``: both images were brought to one seeing and one grid of pixels, which correlates the
    noise (Alard & Lupton 1998, ApJ 503, 325). ``white``: a proper subtraction has whitened it (Zackay,
    Ofek & Gal-Yam 2016, ApJ 830, 27).
    """
    ratio = float(view.rng.uniform(*view.constants["difference"]["noise_ratio"]))
    if view.constants["difference"]["noise"] == "white":
        return marks[0] - marks[1] + ratio * (noises[0] - noises[1])
    science, template = (
        _match(noise + mark, have=psf.fwhm, want=width)
        for noise, mark, psf in zip(
            noises, marks, (view.conditions.science, view.conditions.template), strict=True
        )
    )
    return smooth(science - template, noise_ratio=ratio)


def _match(layer: Image, *, have: float, want: float) -> Image:
    """Convolve pixels with the Gaussian that takes stars of width `have` to width `want`."""
    kernel = np.sqrt(max(0.0, want**2 - have**2)) / 2.355
    if kernel < NARROWEST_KERNEL_PIXELS:
        return layer
    return np.asarray(gaussian_filter(layer, kernel, truncate=3.0))
