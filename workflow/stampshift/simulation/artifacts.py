"""Recipes of the bogus classes: what changed in the detector, the telescope or the subtraction."""

from dataclasses import replace
from functools import partial

import numpy as np

from stampshift.simulation.detector import column_trail, line, spikes, track
from stampshift.simulation.drawing import Image, Source, draw_sources
from stampshift.simulation.recipe import Candidate, View, log_uniform
from stampshift.simulation.scenes import Mismatch, apply_mismatch, draw_mismatch, opposite

LEAST_RESPONSE = 1e-5  # of the filter to a dipole of unit flux; below, no star is bright enough to show one


def cosmic_ray(view: View) -> Candidate:
    """Track of a particle in the science image, sharper than any star."""
    settings = view.constants["cosmic_ray"]
    length = log_uniform(view.rng, settings["length_pixels"])
    charge = view.pixel_charge(view.snr(view.rng, kind="bogus")) * view.trail_factor(length, rms_pixels=0.0)
    wander = settings["wander_radian"]
    pixels = track(view.rng, charge=charge, length_pixels=length, wander=wander, size_pixels=view.size_pixels)
    return Candidate(charge, max(0.3, length / np.sqrt(12)), 0.3, science_pixels=pixels)


def hot_pixel(view: View) -> Candidate:
    """One or two pixels of dark current that calibration missed."""
    charge = view.sign() * view.pixel_charge(view.snr(view.rng, kind="bogus"))
    size, middle = view.size_pixels, view.size_pixels // 2
    pixels = np.zeros((size, size))
    pixels[middle, middle] = charge
    if view.rng.random() < 0.3:
        pixels[middle + 1, middle] = charge * view.rng.uniform(0.2, 0.8)
    return Candidate(charge, 0.3, 0.3, science_pixels=pixels)


def bad_column(view: View) -> Candidate:
    """Read out a column, or part of one, too high or too low."""
    size, middle = view.size_pixels, view.size_pixels // 2
    level = view.sign() * view.line_peak(view.snr(view.rng, kind="bogus"), 1.0)
    first, last = 0, size
    if view.rng.random() < 0.4:
        first, last = int(view.rng.integers(0, middle)), int(view.rng.integers(middle + 1, size + 1))
    pixels = np.zeros((size, size))
    pixels[first:last, middle] = level
    if view.rng.random() < 0.3:
        pixels[first:last, middle + int(view.rng.choice([-1, 1]))] = level * view.rng.uniform(0.3, 1)
    return Candidate(level * (last - first), (last - first) / np.sqrt(12), 0.4, science_pixels=pixels)


def burn(view: View) -> Candidate:
    """Leave a trail on the column of a bright star of an earlier exposure: persistence, positive."""
    flux, major, pixels, star = _column_trail(view)
    return Candidate(flux, major, 1.0, static=star, science_pixels=pixels)


def scar(view: View) -> Candidate:
    """Leave the same trail in the exposures of the template: a negative column in the difference."""
    flux, major, pixels, star = _column_trail(view)
    return Candidate(-flux, major, 1.0, static=star, template_pixels=pixels)


def spike(view: View) -> Candidate:
    """Arm of a bright star's diffraction pattern that the template does not cancel."""
    settings, rng = view.constants["spike"], view.rng
    distance = rng.uniform(*settings["distance_pixels"])
    angle = np.deg2rad(settings["angle_degrees"] + rng.normal(0, settings["angle_scatter_degrees"]))
    arm = angle + rng.integers(4) * np.pi / 2
    x, y = -distance * np.cos(arm), -distance * np.sin(arm)
    power = rng.uniform(*settings["power"])
    contrast = rng.uniform(*settings["contrast"])
    peak = view.line_peak(view.snr(rng, kind="bogus"), view.fwhm)
    amplitude = peak / contrast * max(distance, 2 * view.fwhm) ** power
    draw = partial(spikes, x=x, y=y, power=power, fwhm=view.fwhm, size_pixels=view.size_pixels)
    pattern = draw(amplitude=1.0, angle=angle)
    for turn in np.deg2rad(rng.normal(0, settings["fan_degrees"], rng.poisson(settings["fan_arms"]))):
        # a very bright star's arms are fans of many
        pattern += draw(amplitude=rng.uniform(0.3, 1), angle=angle + turn)
    star = Source(float(x), float(y), amplitude * settings["star_to_arm_flux"])
    science, template = amplitude * pattern, amplitude * (1 - contrast) * pattern
    return Candidate(peak * view.fwhm**2, 2 * view.fwhm, view.star_rms, [star], [], science, template)


def satellite(view: View) -> Candidate:
    """Trail of a satellite across the whole stamp."""
    rng = view.rng
    width = view.fwhm * rng.uniform(1, 1.5)
    peak = view.line_peak(view.snr(rng, kind="bogus"), width) * log_uniform(rng, [1, 10])
    size, angle, offset = view.size_pixels, rng.uniform(0, np.pi), rng.uniform(-1, 1)
    pixels = line(peak=peak, angle=angle, offset=offset, fwhm=width, size_pixels=size)
    return Candidate(peak * width * size, size / np.sqrt(12), width / 2.355, science_pixels=pixels)


def noise_peak(view: View) -> Candidate:
    """Pure noise that passed the threshold of a detection filter narrower than the stars."""
    fwhm = view.fwhm * view.rng.uniform(*view.constants["noise_peak"]["filter_to_star_width"])
    snr = view.sign() * view.noise_snr()
    return Candidate(view.flux(snr), fwhm / 2.355, fwhm / 2.355, noise_peak=(snr, fwhm))


def dipole(view: View) -> Candidate:
    """Subtract from a constant star or galaxy a template shifted, of another width or another scale.

    Its flux follows from the significance of the brighter lobe under a star-shaped filter.
    """
    settings, rng, size = view.constants["dipole"], view.rng, view.size_pixels
    # log-uniform: the better the subtraction, the brighter the sources whose residuals are found
    shift, angle = log_uniform(rng, settings["shift_pixels"]), rng.uniform(0, 2 * np.pi)
    scale_error = rng.uniform(*settings["flux_error"]) * rng.choice([-1, 1])
    dx, dy = float(shift * np.cos(angle)), float(shift * np.sin(angle))
    flux_ratio = (1 + scale_error) * view.cloud_factor()
    mismatch = Mismatch(dx, dy, rng.uniform(*settings["width_ratio"]), float(flux_ratio))
    radius = 0.0
    if rng.random() < settings["galaxy_fraction"]:
        radius = log_uniform(rng, settings["galaxy_half_light_arcsec"]) / view.constants["pixel_scale_arcsec"]
    g1, g2 = rng.normal(0, 0.15, 2).clip(-0.5, 0.5) if radius > 0 else (0.0, 0.0)
    unit = Source(*view.jitter, 1.0, radius, None, float(g1), float(g2))
    draw = partial(draw_sources, psf=view.conditions.science, size_pixels=size)
    image, sign = draw([unit], width_ratio=1.0), view.sign()
    residual = image - draw(apply_mismatch([unit], mismatch), width_ratio=mismatch.width_ratio)
    if view.constants["negative_fraction"] > 0 and -(sign * residual).min() > (sign * residual).max():
        # where both signs are searched, the stronger lobe is what is found
        mismatch = opposite(mismatch)
        residual = image - draw(apply_mismatch([unit], mismatch), width_ratio=mismatch.width_ratio)
    row, column = np.unravel_index(int(np.argmax(sign * residual)), residual.shape)
    shift_to_lobe = (int(row) - size // 2, int(column) - size // 2)
    star = np.roll(image, shift_to_lobe, axis=(0, 1)) / np.sqrt((image**2).sum())
    response = max(float(sign * (residual * star).sum()), LEAST_RESPONSE)
    flux = view.snr(rng, kind="bogus") * view.conditions.noise / response
    flux = min(flux, settings["brightest_saturations"] * _saturating_flux(view))
    # the detection, and so the stamp's centre, is the brighter lobe
    source = replace(unit, x=unit.x - shift_to_lobe[1], y=unit.y - shift_to_lobe[0], flux=flux)
    reported = sign * view.flux(flux * response / view.conditions.noise)
    return Candidate(reported, view.star_rms * 1.3, view.star_rms, static=[source], mismatch=mismatch)


def saturated_star(view: View) -> Candidate:
    """Core or bleed of a star beyond the full well: nothing can be subtracted there."""
    settings, rng = view.constants["saturated_star"], view.rng
    flux = _saturating_flux(view) * log_uniform(rng, settings["saturations"])
    x, y = (float(rng.normal(0, settings["reach_pixels"][axis])) for axis in ("x", "y"))
    star, mismatch = Source(x, y, flux), draw_mismatch(rng, errors=settings)
    return Candidate(flux * abs(1 - mismatch.flux_ratio), 3.0, 2.0, static=[star], mismatch=mismatch)


def _saturating_flux(view: View) -> float:
    """Flux of the star whose central pixel just reaches the full well."""
    peak = view.conditions.science.profile().xValue(0, 0)
    return float((view.constants["saturation"] - view.conditions.sky) / peak)


def _column_trail(view: View) -> tuple[float, float, Image, list[Source]]:
    """Flux, decay length in pixels, pixels and source of a trail."""
    settings, rng = view.constants["column_trail"], view.rng
    direction = int(rng.choice([-1, 1]))
    start = -direction * rng.uniform(*settings["start_pixels"])
    decay, width = rng.uniform(*settings["decay_pixels"]), rng.uniform(*settings["width_pixels"])
    x, size = view.jitter[0], view.size_pixels
    at_center = view.line_peak(view.snr(rng, kind="bogus"), width)
    peak = at_center * float(np.exp(abs(start) / decay))
    draw = partial(column_trail, width=width, direction=direction, decay=decay, size_pixels=size)
    pixels = draw(peak=peak, x=x, start=start)
    for _ in range(rng.poisson(settings["further_trails"])):
        # a crowd of bright stars burns together
        further = peak * log_uniform(rng, settings["further_peak"])
        pixels += draw(peak=further, x=rng.uniform(-0.5, 0.5) * size, start=rng.uniform(-0.5, 0.5) * size)
    star = []
    if rng.random() < settings["star_fraction"]:
        # the star that burnt the column still shines at the head of its trail
        star = [Source(x, start, _saturating_flux(view) * log_uniform(rng, settings["star_saturations"]))]
    return at_center * width * decay, decay, pixels, star
