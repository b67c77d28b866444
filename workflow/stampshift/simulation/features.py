"""The columns of DES' autoscan table that no stamp gives (Goldstein et al. 2015, AJ 150, 82, table 2).

They describe the detection and the nearest catalogued neighbour, and come from the simulation's truth with
measurement errors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stampshift.simulation.drawing import Source
from stampshift.simulation.triplets import Triplet

REFERENCE_RADIUS_ARCSEC = 5.0
# a chip of DECam, in pixels
CHIP_PIXELS = (2048, 4096)


def truth_features(
    triplet: Triplet, *, constants: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, float | str]:
    """Columns of the detection and of the reference catalogue."""
    candidate, conditions = triplet.candidate, triplet.conditions
    zero_point = constants["zero_point_mag"]
    fwhm = conditions.science.fwhm
    error = conditions.flux_error
    flux = max(abs(candidate.flux) + rng.normal(0, error), error)
    magnitude = zero_point - 2.5 * np.log10(flux)
    a, b = (
        max(0.3, size * (1 + rng.normal(0, 0.05)))
        for size in (candidate.major_pixels, candidate.minor_pixels)
    )
    a, b = max(a, b), min(a, b)
    # difference of the source's size from the star's, as SExtractor's star-galaxy separator measures it
    spread = 0.01 * (np.sqrt(a * b) / (fwhm / 2.355) - 1)
    place = rng.uniform(0, CHIP_PIXELS)
    features: dict[str, float | str] = {
        "GFLUX": flux, "MAG": magnitude, "SNR": flux / error, "A_IMAGE": a, "B_IMAGE": b,
        "ELLIPTICITY": 1 - b / a, "FLAGS": int(rng.choice([0, 2, 3], p=[0.9, 0.05, 0.05])),
        "SPREAD_MODEL": spread + rng.normal(0, 0.003), "SPREADERR_MODEL": 0.05 * error / flux,
        "MAG_FROM_LIMIT": magnitude - conditions.depth_mag,
        "MIN_DISTANCE_TO_EDGE_IN_NEW": float(min(*place, *(CHIP_PIXELS - place))),
        "CCDID": int(rng.integers(1, 63)), "BAND": str(rng.choice(list("griz"))),
        "MAGLIM": conditions.depth_mag,
    }  # fmt: skip
    features |= _neighbour(triplet.neighbours, magnitude, constants=constants, conditions_fwhm=fwhm)
    return features


def _neighbour(
    sources: Sequence[Source], magnitude: float, *, constants: Mapping[str, Any], conditions_fwhm: float
) -> dict[str, float | str]:
    """Describe the nearest catalogued source within 5 arcsec, NaN where there is none."""
    scale = constants["pixel_scale_arcsec"]
    near = [s for s in sources if np.hypot(s.x, s.y) * scale <= REFERENCE_RADIUS_ARCSEC and s.flux > 0]
    if not near:
        names = ("MAG_REF", "MAG_REF_ERR", "A_REF", "B_REF", "NN_DIST_RENORM", "MAGDIFF")
        return dict.fromkeys(names, float("nan"))
    nearest = min(near, key=lambda source: np.hypot(source.x, source.y))
    rms = conditions_fwhm / 2.355
    shear = float(np.hypot(nearest.g1, nearest.g2))
    size = float(np.hypot(rms, nearest.half_light_radius / 1.18))
    reference = constants["zero_point_mag"] - 2.5 * np.log10(nearest.flux)
    depth = constants["field"]["faintest_mag"]
    return {
        "MAG_REF": reference, "MAG_REF_ERR": 0.2 * 10 ** (0.4 * min(0.0, reference - depth)),
        "A_REF": size / np.sqrt(1 - shear), "B_REF": size * np.sqrt(1 - shear),
        "NN_DIST_RENORM": float(np.hypot(nearest.x, nearest.y)) / size, "MAGDIFF": magnitude - reference,
    }  # fmt: skip
