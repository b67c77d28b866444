"""Writes DES' archive: tars of FITS and GIF stamps and the autoscan table (Goldstein et al. 2015)."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from stampshift.core.files import atomic_path
from stampshift.simulation.archive_plan import Plan
from stampshift.simulation.detector import staircase_region
from stampshift.simulation.encoding import fits_bytes, gif_bytes, tar_end, tar_member
from stampshift.simulation.exposure import Triplet
from stampshift.simulation.flips import likely_cause
from stampshift.simulation.streams import Purpose, random_stream
from stampshift.stamps.autoscan import COLUMNS, TABLE, stamp_features

Features = dict[str, float | str]
COMMENTS = (
    "# Simulated stand-in of the autoscan training set, in the format of version 3 of its table",
    "# Format after Goldstein et al. 2015, AJ 150, 82; one row per candidate",
    "# ID: number in the names of the candidate's stamps",
    "# OBJECT_TYPE: 0 = real, 1 = artifact",
    "# the other columns: features of that paper's table 2, in alphabetical order",
    "# not a number: no catalogued source within 5 arcsec",
)
OBJECT_TYPE = {"real": 0, "artifact": 1}
MARK_PIXELS = 10
CANDIDATES_PER_EXPOSURE = 25
FIRST_ID, ID_STEP = 1_000_003, 7
FIRST_EXPOSURE, FIRST_NIGHT = 229_250, 20130901
REFERENCE_RADIUS_ARCSEC = 5.0
CHIP_PIXELS = (2048, 4096)  # of DECam
# three of the eleven tars' layouts: with the archive's path, with a disk before it, and one level deep
LAYOUTS = (
    "SNWG/Archive/2013/Y1/{night}/{exposure}/",
    "home2/SNWG/Archive/2013/Y1/{night}/{exposure}/",
    "{exposure}/",
)


def write_archive(plan: Plan, folder: Path, *, processes: int) -> list[str]:
    """Write the tars and the table, one task's stamps in memory at a time; `flips.likely_cause` of each."""
    causes = []
    with ExitStack() as stack:
        tars = [
            stack.enter_context(stack.enter_context(atomic_path(folder / f"stamps_{n}.tar")).open("wb"))
            for n in range(len(LAYOUTS))
        ]
        table = stack.enter_context(stack.enter_context(atomic_path(folder / TABLE)).open("w"))
        table.writelines(f"{line}\n" for line in (*COMMENTS, ",".join(("ID", "OBJECT_TYPE", *COLUMNS))))
        for contents, lines, likely in plan.blocks(draw_block, processes=processes):
            for stream, content in zip(tars, contents, strict=True):
                stream.write(content)
            table.write(lines)
            causes += likely
        for stream in tars:
            stream.write(tar_end(stream.tell()))
    return causes


def draw_block(task: Plan) -> tuple[list[bytes], str, list[str]]:
    """What one task adds to the archive: bytes for each tar, lines of the table, likely causes."""
    stamps = list(task.stamps())
    template, science, difference = (
        np.stack([getattr(stamp.triplet, name) for stamp in stamps])
        for name in ("template", "science", "difference")
    )
    masked = np.stack([_mask(stamp.rng, task=task) for stamp in stamps])
    for image, mask, stamp in zip(difference, masked, stamps, strict=True):
        # only the sign distinguishes the two marks for "no data"; readers must know both
        image[mask] = stamp.rng.choice([-1, 1]) * task.constants["mask"]["value"]
    truth = [_truth_features(stamp.triplet, task.constants, stamp.rng) for stamp in stamps]
    table = pd.DataFrame(truth).assign(
        ID=[FIRST_ID + ID_STEP * index for index in task.indices],
        OBJECT_TYPE=[OBJECT_TYPE[name] for name in task.classes],
        **stamp_features(template, difference, masked=masked),
    )
    lines = table[["ID", "OBJECT_TYPE", *COLUMNS]].to_csv(
        index=False, header=False, float_format="%.6g", lineterminator="\n"
    )
    causes = [likely_cause(stamp, ccd=ccd) for stamp, ccd in zip(stamps, table["CCDID"], strict=True)]
    return _tars(task, {"temp": template, "srch": science, "diff": difference}), lines, causes


def _mask(rng: Generator, *, task: Plan) -> NDArray[np.bool_]:
    """Pixels of the difference without data: beyond the chip's edge, or, rarely, all."""
    settings, size = task.constants["mask"], task.constants["stamp_size_pixels"]
    draw = rng.random()
    if draw < settings["all_probability"]:
        return np.ones((size, size), bool)
    if draw < settings["all_probability"] + settings["edge_probability"]:
        return staircase_region(rng, size_pixels=size, clearance_pixels=settings["clearance_pixels"])
    return np.zeros((size, size), bool)


def _tars(task: Plan, stamps: dict[str, NDArray[np.float64]]) -> list[bytes]:
    """Members of each tar, whole exposures in turn, the files of an exposure in a folder's random order."""
    contents: list[list[bytes]] = [[] for _ in LAYOUTS]
    for start in range(0, len(task.indices), CANDIDATES_PER_EXPOSURE):
        exposure = task.indices[start] // CANDIDATES_PER_EXPOSURE
        night = FIRST_NIGHT + exposure % 30
        folder = LAYOUTS[exposure % len(LAYOUTS)].format(night=night, exposure=FIRST_EXPOSURE + exposure)
        members = []
        for row in range(start, min(start + CANDIDATES_PER_EXPOSURE, len(task.indices))):
            number = FIRST_ID + ID_STEP * task.indices[row]
            for kind, stack in stamps.items():
                name = f"{folder}{kind}{number}"
                members.append(tar_member(f"{name}.fits", fits_bytes(stack[row], cards=())))
                members.append(tar_member(f"{name}.gif", gif_bytes(stack[row], mark_pixels=MARK_PIXELS)))
        order = random_stream(task.seed, task.survey, Purpose.FILES, exposure).permutation(len(members))
        contents[exposure % len(LAYOUTS)] += [members[position] for position in order]
    return [b"".join(members) for members in contents]


def _truth_features(triplet: Triplet, constants: Mapping[str, Any], rng: Generator) -> Features:
    """The table's columns that no stamp gives: the truth of the detection, with measurement errors."""
    candidate, conditions = triplet.candidate, triplet.conditions
    fwhm, error = conditions.science.fwhm, conditions.flux_error
    flux = max(abs(candidate.flux) + rng.normal(0, error), error)
    magnitude = constants["zero_point_mag"] - 2.5 * np.log10(flux)
    sizes = (candidate.major_pixels, candidate.minor_pixels)
    b, a = sorted(max(0.3, size * (1 + rng.normal(0, 0.05))) for size in sizes)
    # difference of the source's size from the star's, as SExtractor's star-galaxy separator measures it
    spread = 0.01 * (np.sqrt(a * b) / (fwhm / 2.355) - 1)
    place = rng.uniform(0, CHIP_PIXELS)
    features: Features = {
        "GFLUX": flux, "MAG": magnitude, "SNR": flux / error, "A_IMAGE": a, "B_IMAGE": b,
        "ELLIPTICITY": 1 - b / a, "FLAGS": int(rng.choice([0, 2, 3], p=[0.9, 0.05, 0.05])),
        "SPREAD_MODEL": spread + rng.normal(0, 0.003), "SPREADERR_MODEL": 0.05 * error / flux,
        "MAG_FROM_LIMIT": magnitude - conditions.depth_mag,
        "MIN_DISTANCE_TO_EDGE_IN_NEW": float(min(*place, *(CHIP_PIXELS - place))),
        "CCDID": int(rng.integers(1, 63)), "BAND": str(rng.choice(list("griz"))),
        "MAGLIM": conditions.depth_mag,
    }  # fmt: skip
    return features | _neighbour_features(triplet, magnitude, constants)


def _neighbour_features(triplet: Triplet, magnitude: float, constants: Mapping[str, Any]) -> Features:
    """Columns of the nearest catalogued source within 5 arcsec, NaN where there is none."""
    scale, radius = constants["pixel_scale_arcsec"], REFERENCE_RADIUS_ARCSEC
    near = [s for s in triplet.neighbours if np.hypot(s.x, s.y) * scale <= radius and s.flux > 0]
    if not near:
        names = ("MAG_REF", "MAG_REF_ERR", "A_REF", "B_REF", "NN_DIST_RENORM", "MAGDIFF")
        return dict.fromkeys(names, float("nan"))
    nearest = min(near, key=lambda source: np.hypot(source.x, source.y))
    shear = float(np.hypot(nearest.g1, nearest.g2))
    size = float(np.hypot(triplet.conditions.science.fwhm / 2.355, nearest.half_light_radius / 1.18))
    reference = constants["zero_point_mag"] - 2.5 * np.log10(nearest.flux)
    depth = constants["field"]["faintest_mag"]
    return {
        "MAG_REF": reference, "MAG_REF_ERR": 0.2 * 10 ** (0.4 * min(0.0, reference - depth)),
        "A_REF": size / np.sqrt(1 - shear), "B_REF": size * np.sqrt(1 - shear),
        "NN_DIST_RENORM": float(np.hypot(nearest.x, nearest.y)) / size, "MAGDIFF": magnitude - reference,
    }  # fmt: skip
