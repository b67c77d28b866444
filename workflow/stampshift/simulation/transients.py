"""Recipes of the real classes: what changed in the sky."""

from dataclasses import replace

import numpy as np

from stampshift.simulation.drawing import Source
from stampshift.simulation.recipe import Candidate, View, log_uniform
from stampshift.simulation.scenes import flux_of_magnitude, magnitude_of_counts

PHASES = (0.75, 1.25)  # brightness of an alert over the typical one of its object


def point_source(view: View) -> Candidate:
    """Add a star-like source to the science image, as HiTS made its positives (Cabrera-Vives 2017)."""
    return _stellar(view, view.flux(view.snr(view.rng, kind="real")), static=[])


def supernova(view: View) -> Candidate:
    """Put a brightening off the centre of a galaxy, offsets exponential in units of its half-light radius."""
    host = view.constants["host"]
    galaxy = _host(view)
    distance = view.sky_rng.exponential(host["offset_half_light_radii"]) * galaxy.half_light_radius
    angle = view.sky_rng.uniform(0, 2 * np.pi)
    galaxy = replace(galaxy, x=float(distance * np.cos(angle)), y=float(distance * np.sin(angle)))
    hostless = view.sky_rng.random() < host["hostless_fraction"]
    snr = view.snr(view.sky_rng, kind="real")
    return _stellar(view, _alert_flux(view, snr), static=[] if hostless else [galaxy])


def agn(view: View) -> Candidate:
    """Brighten or fade a nucleus at the centre of its galaxy."""
    constant, change = _variable(view, view.constants["variability"]["agn_amplitude"])
    return _stellar(view, change, static=[_host(view), Source(0.0, 0.0, constant)])


def variable_star(view: View) -> Candidate:
    """Brighten or fade a star of the template."""
    constant, change = _variable(view, view.constants["variability"]["star_amplitude"])
    return _stellar(view, change, static=[Source(0.0, 0.0, constant)])


def asteroid(view: View) -> Candidate:
    """Draw a moving object: absent from the template, trailed by rate x exposure, mostly below a pixel."""
    return _trail(view, "asteroid")


def streak(view: View) -> Candidate:
    """Draw a near-Earth object fast enough to leave a trail of several star widths."""
    return _trail(view, "streak")


def _stellar(view: View, flux: float, *, static: list[Source]) -> Candidate:
    """Put a star at the centre, its neighbourhood shifted with it."""
    x, y = view.jitter
    static = [replace(source, x=source.x + x, y=source.y + y) for source in static]
    return Candidate(flux, view.star_rms, view.star_rms, static=static, transient=[Source(x, y, flux)])


def _variable(view: View, amplitudes: list[float]) -> tuple[float, float]:
    """Flux of a variable in the template, and its signed change now; nothing fades below zero."""
    snr = view.snr(view.sky_rng, kind="real")
    constant = view.reference_flux(snr) / log_uniform(view.sky_rng, amplitudes)
    change = _alert_flux(view, snr)
    return constant, change if change > constant else view.sign() * change


def _alert_flux(view: View, snr: float) -> float:
    """Flux of one alert of an object whose alerts have a typical `snr`, scattered by the object's phase."""
    faintest = view.constants["snr"]["real"]["values"][0]
    return view.flux(max(faintest, snr * view.rng.uniform(*PHASES)))


def _host(view: View) -> Source:
    """Draw a Sersic galaxy at the origin."""
    host, rng = view.constants["host"], view.sky_rng
    (magnitude,) = magnitude_of_counts(rng, bounds=host["mag"], slope=host["slope"], count=1)
    flux = flux_of_magnitude(magnitude, zero_point_mag=view.zero_point_mag)
    radius = log_uniform(rng, host["half_light_arcsec"]) / view.constants["pixel_scale_arcsec"]
    index = float(rng.choice(host["sersic_index"]))
    g1, g2 = rng.normal(0, host["shear"], 2).clip(-0.5, 0.5)
    return Source(0.0, 0.0, float(flux), radius, index, float(g1), float(g2))


def _trail(view: View, kind: str) -> Candidate:
    """Line up stars closer than their width: the image of a source that moved at constant rate."""
    rate_arcsec_per_second = log_uniform(view.rng, view.constants[kind]["rate_arcsec_per_second"])
    trail_arcsec = rate_arcsec_per_second * view.constants["exposure_seconds"]
    length = trail_arcsec / view.constants["pixel_scale_arcsec"]
    flux = view.flux(view.snr(view.rng, kind="real"))
    flux *= view.trail_factor(length, rms_pixels=view.star_rms)
    count = max(1, int(np.ceil(length / (0.4 * view.fwhm))))
    angle = view.rng.uniform(0, np.pi)
    along = length * ((np.arange(count) + 0.5) / count - 0.5)
    x, y = view.jitter
    places = zip(x + along * np.cos(angle), y + along * np.sin(angle), strict=True)
    transient = [Source(float(x), float(y), float(flux / count)) for x, y in places]
    major = float(np.hypot(view.star_rms, length / np.sqrt(12)))
    return Candidate(float(flux), major, view.star_rms, transient=transient)
