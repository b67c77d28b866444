"""Writes ZTF's training set: a pickled DataFrame of gzipped FITS (Carrasco-Davis 2021, AJ 162, 231)."""

import sys
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from stampshift.simulation.archive_plan import Plan
from stampshift.simulation.detector import staircase_region
from stampshift.simulation.drawing import Image
from stampshift.simulation.encoding import fits_bytes, gzip_bytes, write_pickle
from stampshift.simulation.exposure import Triplet

ARCHIVE = "training_set_Nov-26-2019.pkl"
CUTOUTS = {"cutoutScience": "science", "cutoutTemplate": "template", "cutoutDifference": "difference"}
# the archive has seven columns of metadata; which ones is not documented: these are fields of ZTF's alerts
COLUMNS = (
    "oid", "class", *CUTOUTS, "candid", "fid", "isdiffpos", "magpsf", "sigmapsf", "fwhm", "diffmaglim"
)  # fmt: skip
TEXTS = ("oid", "class", "isdiffpos")
CARDS = ("BUNIT   = 'DN      '",)
FIRST_CANDID = 675208700015010000
OBJECT_LETTERS = 7


def write_archive(plan: Plan, folder: Path, *, processes: int) -> None:
    """Write the pickle; all records are in memory at once, as the format demands."""
    records = chain.from_iterable(plan.blocks(draw_block, processes=processes))
    write_pickle(folder / ARCHIVE, _frame(list(records)))


def draw_block(task: Plan) -> list[dict[str, Any]]:
    """Rows of the table for the stamps of one task."""
    rows = []
    for index, name, number, triplet, rng in task.stamps():
        images = with_gaps(triplet, task.constants, rng)
        row = {"oid": object_name(number), "class": name, "candid": FIRST_CANDID + index}
        row |= {column: gzip_bytes(fits_bytes(images[kind], cards=CARDS)) for column, kind in CUTOUTS.items()}
        rows.append(row | metadata(triplet, task.constants, rng))
    return rows


def with_gaps(triplet: Triplet, constants: Mapping[str, Any], rng: Generator) -> dict[str, Image]:
    """Cutouts of an alert, pixels at the quadrant's edge lost: to NaN, a fill value, or rows cut off."""
    settings, size = constants["mask"], constants["stamp_size_pixels"]
    images = {kind: getattr(triplet, kind).copy() for kind in CUTOUTS.values()}
    if triplet.candidate.flux < 0:
        # the alert of a negative detection shows template - science: the candidate is bright in all alerts
        images["difference"] = -images["difference"]
    if rng.random() < settings["nan_probability"]:
        gap = staircase_region(rng, size_pixels=size, clearance_pixels=settings["clearance_pixels"])
        filled = rng.random() < settings["fill_probability"] / settings["nan_probability"]
        for kind, image in images.items():
            # the reference image alone marks missing pixels by the lowest float32
            image[gap] = settings["fill_value"] if filled and kind == "template" else np.nan
    if rng.random() < settings["cut_probability"]:
        lost = int(rng.integers(1, size // 2 - settings["clearance_pixels"]))
        turns = int(rng.integers(4))
        images = {kind: np.rot90(np.rot90(image, turns)[lost:], -turns) for kind, image in images.items()}
    return images


def metadata(triplet: Triplet, constants: Mapping[str, Any], rng: Generator) -> dict[str, Any]:
    """Fields of the alert beside the images, measured with errors."""
    conditions, flux, error = triplet.conditions, triplet.candidate.flux, triplet.conditions.flux_error
    measured = max(abs(flux) + rng.normal(0, error), error)
    return {
        "fid": int(rng.integers(1, 3)),
        "isdiffpos": "t" if flux > 0 else "f",
        "magpsf": float(constants["zero_point_mag"] - conditions.extinction_mag - 2.5 * np.log10(measured)),
        "sigmapsf": float(1.0857 * error / measured),
        "fwhm": float(conditions.science.fwhm * (1 + rng.normal(0, 0.05))),
        "diffmaglim": float(conditions.depth_mag),
    }


def object_name(number: int) -> str:
    """Name in ZTF's style: a year and seven letters that count in base 26."""
    digits = (number // 26**place % 26 for place in reversed(range(OBJECT_LETTERS)))
    return "ZTF18" + "".join(ascii_lowercase[digit] for digit in digits)


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Table of plain numpy columns, in which equal texts are one object: pickle's bytes depend on it."""
    columns: list[pd.Series] = []
    for name in COLUMNS:
        values = [record[name] for record in records]
        if name in TEXTS:
            values = list(map(sys.intern, values))
        column = np.array(values, object if name in TEXTS or name in CUTOUTS else None)
        columns.append(pd.Series(column, dtype=column.dtype))
    frame = pd.concat(columns, axis=1)
    # pandas' own text type would need pyarrow to be read back
    frame.columns = pd.Index(np.array(COLUMNS, object), dtype=object)
    return frame
