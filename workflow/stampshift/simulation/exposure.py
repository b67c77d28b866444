"""Exposure: a candidate in its field becomes template, science and difference image."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from stampshift.simulation.candidates import Candidate
from stampshift.simulation.detector import raise_noise_peak, saturate, smooth
from stampshift.simulation.drawing import Image, Psf, Source, draw_sources
from stampshift.simulation.scenes import Conditions, Mismatch, apply_mismatch, kernel_error

# a Gaussian kernel narrower than this does nothing on whole pixels
NARROWEST_KERNEL_PIXELS = 0.3


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
    light = _light(
        candidate, static=static, mismatch=mismatch, conditions=conditions, constants=constants, rng=rng
    )
    noises = _noise(
        light.science,
        light.template,
        candidate=candidate,
        conditions=conditions,
        constants=constants,
        rng=rng,
    )
    level = constants["saturation"] - conditions.sky
    marks = [
        np.zeros((size, size)) if pixels is None else pixels
        for pixels in (candidate.science_pixels, candidate.template_pixels)
    ]
    images = []
    for seen, noise, mark in zip((light.science, light.template), noises, marks, strict=True):
        # a pixel at the full well holds the full well, whatever the photons
        noise[seen >= level] = 0.0
        images.append(np.minimum(saturate(seen, level=level) + noise + mark, level))
    science, template = images
    if not own:
        return template + conditions.sky, science + conditions.sky, science - template
    difference = (
        saturate(light.at_target, level=level)
        - saturate(light.matched, level=level)
        + _layers(
            Layer(noises[0], marks[0], conditions.science.fwhm),
            Layer(noises[1], marks[1], conditions.template.fwhm),
            width=light.target.fwhm,
            settings=constants["difference"],
            rng=rng,
        )
    )
    difference[_hidden(science, template, level=level, settings=constants["difference"])] = 0.0
    return template + conditions.sky, science + conditions.sky, difference


class Light(NamedTuple):
    """Noiseless images of one candidate.

    `science` and `template` as published; `at_target` the science image, and `matched` the template with
    its mismatch, both at the seeing `target` of the difference.
    """

    science: Image
    template: Image
    at_target: Image
    matched: Image
    target: Psf


def _light(
    candidate: Candidate,
    *,
    static: list[Source],
    mismatch: Mismatch,
    conditions: Conditions,
    constants: Mapping[str, Any],
    rng: np.random.Generator,
) -> Light:
    own = constants["difference"]["product"] == "own"
    draw = partial(draw_sources, width_ratio=1.0, size_pixels=constants["stamp_size_pixels"])
    widest = max(conditions.science, conditions.template, key=lambda psf: psf.fwhm)
    target = widest if own else conditions.science
    science = draw(static, psf=conditions.science) + draw(candidate.transient, psf=conditions.science)
    matched = draw(apply_mismatch(static, mismatch), psf=target, width_ratio=mismatch.width_ratio)
    matched = matched + kernel_error(
        matched, rng=rng, rms=constants["subtraction"]["kernel"], noise=conditions.noise
    )
    template = draw(static, psf=conditions.template) if own else matched
    at_target = science
    if target is conditions.template:
        at_target = template + draw(candidate.transient, psf=target)
    return Light(science, template, at_target, matched, target)


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
