"""What a recipe of a class makes, a candidate before it is exposed, and what it may know to do so."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator

from stampshift.simulation.drawing import Image, Source
from stampshift.simulation.scenes import Conditions, Mismatch, flux_of_magnitude


@dataclass
class Candidate:
    """What is at the centre of a stamp."""

    flux: float  # that a survey would report from the difference image, signed, in image units
    major_pixels: float  # root-mean-square size of the detection along its two axes
    minor_pixels: float
    static: list[Source] = field(default_factory=list)  # in the template and in the science image alike
    transient: list[Source] = field(default_factory=list)  # in science alone; negative fluxes for what faded
    # light or charge that does not pass the point-spread function, (size, size), or none at all
    science_pixels: Image | float = 0.0
    template_pixels: Image | float = 0.0
    # error of the template's matching where it is the cause of the detection; None for the ordinary one
    mismatch: Mismatch | None = None
    # signal-to-noise (signed) and width (FWHM, pixels) of the detection filter where all is noise
    noise_peak: tuple[float, float] | None = None


@dataclass(frozen=True)
class View:
    """What a recipe sees: the survey's constants, this exposure, and two random streams."""

    constants: Mapping[str, Any]
    conditions: Conditions
    size_pixels: int
    rng: Generator  # of this stamp
    sky_rng: Generator  # of the astronomical object, the same for each of its alerts

    @cached_property
    def jitter(self) -> tuple[float, float]:
        """Offset (x, y) of the candidate from the centre of its pixel: stamps are cut at whole pixels."""
        x, y = self.rng.uniform(-0.5, 0.5, 2)
        return float(x), float(y)

    @property
    def zero_point_mag(self) -> float:
        """Magnitude of a star of unit flux in this exposure."""
        return float(self.constants["zero_point_mag"] - self.conditions.extinction_mag)

    def cloud_factor(self) -> float:
        """Factor on a star's flux, log-normal, for clouds whose structure one zero point does not follow."""
        if self.conditions.extinction_mag == 0:
            return 1.0
        scatter = self.constants["clouds"]["ln_flux_error_per_mag"] * self.conditions.extinction_mag
        return float(np.exp(self.rng.normal(0, scatter)))

    @property
    def fwhm(self) -> float:
        """Width of the science image's stars in pixels."""
        return self.conditions.science.fwhm

    @property
    def star_rms(self) -> float:
        """Standard deviation of a star's core in pixels."""
        return self.fwhm / 2.355

    def snr(self, rng: Generator, *, kind: str) -> float:
        """S/N of a "real" or "bogus" detection, by a table of percentiles interpolated in the logarithm."""
        law = self.constants["snr"][kind]
        return float(np.exp(np.interp(rng.uniform(0, 100), law["percentiles"], np.log(law["values"]))))

    def noise_snr(self) -> float:
        """Height of a peak of pure noise above the limit: density of peaks ~ t exp(-t^2 / 2)."""
        return float(np.sqrt(self.constants["detection_snr"] ** 2 - 2 * np.log1p(-self.rng.random())))

    def sign(self) -> int:
        """Positive, or negative in the survey's share of negative detections."""
        return -1 if self.rng.random() < self.constants["negative_fraction"] else 1

    def flux(self, snr: float) -> float:
        """Flux of a star that a matched filter finds at signal-to-noise `snr` in this exposure."""
        return float(snr * self.conditions.flux_error)

    def reference_flux(self, snr: float) -> float:
        """Flux of a star of signal-to-noise `snr` in the survey's typical exposure."""
        depth = float(np.mean(self.constants["depth_mag"]))
        return float(snr * flux_of_magnitude(depth, zero_point_mag=self.constants["zero_point_mag"]) / 5)

    def pixel_charge(self, snr: float) -> float:
        """Charge in one pixel that a star-shaped filter finds at `snr`: snr sigma s sqrt(pi)."""
        return float(snr * self.conditions.noise * self.star_rms * np.sqrt(np.pi))

    def line_peak(self, snr: float, width_pixels: float) -> float:
        """Height of a line of Gaussian width (FWHM) that a star-shaped filter finds at `snr`.

        With filter and line of rms s and w: snr = (peak / sigma) 2 sqrt(pi) s w / sqrt(s^2 + w^2).
        """
        rms = width_pixels / 2.355
        gain = 2 * np.sqrt(np.pi) * self.star_rms * rms / np.hypot(self.star_rms, rms)
        return float(snr * self.conditions.noise / gain)

    def trail_factor(self, length_pixels: float, *, rms_pixels: float) -> float:
        """Flux of a trail over that of a point that a star-shaped filter finds at the same significance.

        Detection is local, as that of ATLAS's tphot: a filter of rms s on the middle of a trail of rms width
        w counts what is t away as exp(-t^2 / 2 (s^2 + w^2)), whose mean along the trail is divided by.
        """
        reach = math.sqrt(2) * math.hypot(self.star_rms, rms_pixels)
        half = length_pixels / 2 / reach
        return 2 * half / (math.sqrt(math.pi) * math.erf(half))


Recipe = Callable[[View], Candidate]


def log_uniform(rng: Generator, bounds: list[float]) -> float:
    """Draw a number between two positive bounds whose logarithm is uniform."""
    return float(np.exp(rng.uniform(*np.log(bounds))))
