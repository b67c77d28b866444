"""One triplet of a class: a candidate in its field becomes template, science and difference image."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.ndimage import binary_dilation

from stampshift.simulation import artifacts, scenes, transients
from stampshift.simulation.detector import raise_noise_peak, saturate, smooth
from stampshift.simulation.drawing import Image, Psf, Source, draw_sources
from stampshift.simulation.recipe import Candidate, Recipe, View
from stampshift.simulation.scenes import Conditions, Mismatch
from stampshift.simulation.subtraction import (
    interpolated,
    interpolation_kernels,
    match,
    proper_difference,
    reconvolved,
    resampled,
)

Images = tuple[Image, Image]  # of science and template
Marks = tuple[Image | float, Image | float]
MOST_DRAWS = 20  # of one stamp
REAL_RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe
    for recipe in (
        *(transients.point_source, transients.supernova, transients.agn, transients.variable_star),
        *(transients.asteroid, transients.streak),
    )
}
BOGUS_RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe
    for recipe in (
        *(artifacts.cosmic_ray, artifacts.dipole, artifacts.saturated_star, artifacts.burn, artifacts.scar),
        *(artifacts.spike, artifacts.hot_pixel, artifacts.bad_column, artifacts.noise_peak),
        artifacts.satellite,
    )
}
RECIPES = REAL_RECIPES | BOGUS_RECIPES


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

    `rng` is the stamp's random stream, `sky_rng` that of the astronomical object and its field. Candidates
    whose centre the subtraction left out are drawn anew, where the survey sends no alerts of those.
    """
    for _ in range(MOST_DRAWS):
        triplet = _draw_once(survey_class, constants=constants, rng=rng, sky_rng=sky_rng)
        if not _left_out(triplet.difference, clear_pixels=constants["difference"].get("clear_pixels", 0)):
            break
    return triplet


def _left_out(difference: Image, *, clear_pixels: int) -> bool:
    """Whether a pixel of the central square was left out by the subtraction, which leaves it at 0."""
    first = len(difference) // 2 - clear_pixels // 2
    return bool((difference[first : first + clear_pixels, first : first + clear_pixels] == 0).any())


def _draw_once(
    survey_class: str, *, constants: Mapping[str, Any], rng: Generator, sky_rng: Generator
) -> Triplet:
    size = constants["stamp_size_pixels"]
    mix = constants["recipes"][survey_class]
    weights = np.array(list(mix.values()), float)
    name = list(mix)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    kind = "bogus" if name in BOGUS_RECIPES else "real"
    share = constants["clouds"]["share"][kind] if "clouds" in constants else 0.0
    conditions = scenes.draw_conditions(rng, constants=constants, cloud_share=share)
    view = View(constants, conditions, size, rng, sky_rng)
    field = scenes.field_sources(
        sky_rng, constants=constants, size_pixels=size, zero_point_mag=view.zero_point_mag
    )
    candidate = RECIPES[name](view)
    static = field + candidate.static
    mismatch = candidate.mismatch or scenes.draw_mismatch(rng, errors=constants["subtraction"])
    images = expose(candidate, static=static, mismatch=mismatch, view=view)
    return Triplet(*images, candidate, conditions, neighbours=static, recipe=name)


def expose(
    candidate: Candidate, *, static: list[Source], mismatch: Mismatch, view: View
) -> tuple[Image, Image, Image]:
    """Template, science and difference image, noise included.

    Three kinds of difference exist. ``exact``: the template is published as matched, and difference =
    science - template in every pixel (HiTS, ATLAS). The others publish the template with its own seeing.
    ``matched``: the difference is at the worse seeing of the two (DES; Alard & Lupton 1998, ApJ 503, 325).
    ``proper``: it is `proper_difference` of the published images (ZTF, Rubin).
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
    match settings["product"]:
        case "exact":
            return template + sky, science + sky, science - template
        case "proper":
            conditions = view.conditions
            difference = proper_difference(
                science,
                template,
                psfs=(conditions.science, conditions.template),
                noises=(conditions.noise, conditions.template_noise),
                width_ratio=mismatch.width_ratio,
            )
        case _:
            at_target, matched = (saturate(light, level=level) for light in subtracted)
            difference = at_target - matched + _matched_noise(noises, marks, width=target.fwhm, view=view)
    # the subtraction leaves out saturated pixels and their surroundings
    full = np.asarray((science >= level) | (template >= level))
    if full.any():
        difference[binary_dilation(full, iterations=settings["masked_pixels"])] = 0.0
    return template + sky, science + sky, difference


def _light(
    candidate: Candidate, *, static: list[Source], mismatch: Mismatch, view: View
) -> tuple[Images, Images, Psf]:
    """Noiseless science and template as published, both as subtracted, and the seeing of these.

    A proper subtraction takes what is published, in which the template is misplaced.
    """
    conditions, product = view.conditions, view.constants["difference"]["product"]
    misplaced = scenes.apply_mismatch(static, mismatch)
    if product == "proper":
        pair = _proper_light(static, misplaced, candidate=candidate, view=view)
        return pair, pair, conditions.template
    draw = partial(draw_sources, width_ratio=1.0, size_pixels=view.size_pixels)
    widest = max(conditions.science, conditions.template, key=lambda psf: psf.fwhm)
    target = widest if product == "matched" else conditions.science
    science = draw(static, psf=conditions.science) + draw(candidate.transient, psf=conditions.science)
    matched = draw(misplaced, psf=target, width_ratio=mismatch.width_ratio)
    matched = matched + _kernel_error(matched, view=view)
    template = draw(static, psf=conditions.template) if product == "matched" else matched
    at_target = science
    if target is conditions.template:
        at_target = template + draw(candidate.transient, psf=target)
    return (science, template), (at_target, matched), target


def _proper_light(
    static: list[Source], misplaced: list[Source], *, candidate: Candidate, view: View
) -> Images:
    """Light of science and template; a galaxy's two images differ by the convolution that separates the PSFs.

    Drawn apart, its approximate profiles would not cancel. The template is seen on a grid of its own and
    interpolated to that of the science image.
    """
    psfs = (view.conditions.science, view.conditions.template)
    draw = partial(draw_sources, width_ratio=1.0, size_pixels=view.size_pixels)
    sharper = min(psfs, key=lambda psf: psf.fwhm)
    down, right = view.conditions.grid_shifts
    misplaced = [replace(source, x=source.x + right, y=source.y + down) for source in misplaced]
    layers = []
    for psf, sources in zip(psfs, (static + candidate.transient, misplaced), strict=True):
        if psf is sharper:
            layers.append(draw(sources, psf=psf))
            continue
        extended = draw([source for source in sources if source.half_light_radius > 0], psf=sharper)
        points = draw([source for source in sources if source.half_light_radius == 0], psf=psf)
        layers.append(points + reconvolved(extended, have=sharper, want=psf) if extended.any() else points)
    science, template = layers[0], resampled(layers[1], (down, right))
    return science, template + _kernel_error(template, view=view)


def _kernel_error(light: Image, *, view: View) -> Image:
    rms = view.constants["subtraction"]["kernel"]
    return scenes.kernel_error(light, rng=view.rng, rms=rms, noise=view.conditions.noise)


def _noises(light: Images, *, candidate: Candidate, view: View) -> Images:
    """Sky, read-out and photon noise of both images; the template's is ratio^2 times less in variance.

    That is a mean of exposures and its interpolation together, which correlates the template's noise.
    """
    conditions, gain = view.conditions, view.constants["gain_electron_per_unit"]
    depth = (conditions.noise / conditions.template_noise) ** 2
    white, coadded = (view.rng.standard_normal(seen.shape) for seen in light)
    interpolations = view.constants["template"]["interpolations"]
    coadded = interpolated(
        coadded, interpolation_kernels(conditions.grid_shifts, interpolations=interpolations)
    )
    science, template = (
        field * np.sqrt(sigma**2 + np.maximum(seen, 0) / electrons)
        for field, seen, sigma, electrons in (
            (white, light[0], conditions.noise, gain),
            (coadded, light[1], conditions.template_noise, gain * depth),
        )
    )
    if candidate.noise_peak is not None:
        snr, fwhm = candidate.noise_peak
        science = raise_noise_peak(science, snr=snr, sigma=conditions.noise, fwhm=fwhm)
    return science, template


def _matched_noise(noises: Images, marks: Marks, *, width: float, view: View) -> Image:
    """Noise and marks of the detector in a matched difference, at seeing `width`.

    Both images were brought to one seeing and one grid of pixels, which correlates the noise.
    """
    ratio = float(view.rng.uniform(*view.constants["difference"]["noise_ratio"]))
    science, template = (
        match(noise + mark, have=psf.fwhm, want=width)
        for noise, mark, psf in zip(
            noises, marks, (view.conditions.science, view.conditions.template), strict=True
        )
    )
    return smooth(science - template, noise_ratio=ratio)
