"""One triplet of a class: its recipe, its field, its conditions and its exposure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stampshift.simulation import artifacts, transients
from stampshift.simulation.candidates import Candidate, Recipe, View
from stampshift.simulation.drawing import Image, Source
from stampshift.simulation.exposure import expose
from stampshift.simulation.scenes import (
    Conditions,
    draw_conditions,
    draw_mismatch,
    field_sources,
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
