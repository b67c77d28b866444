"""Writes DES' archive: tars of FITS and GIF stamps and the autoscan table (Goldstein et al. 2015)."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stampshift.core.files import atomic_path
from stampshift.core.parallel import ordered_map
from stampshift.simulation.detector import staircase_region
from stampshift.simulation.encoding import fits_bytes, gif_bytes, tar_end, tar_member
from stampshift.simulation.features import truth_features
from stampshift.simulation.plan import Plan, Task
from stampshift.simulation.streams import PURPOSE_FILES, random_stream
from stampshift.stamps.autoscan import COLUMNS, stamp_features

TABLE = "autoscan_features.3.csv"
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
# three of the eleven tars' layouts: with the archive's path, with a disk before it, and one level deep
LAYOUTS = (
    "SNWG/Archive/2013/Y1/{night}/{exposure}/",
    "home2/SNWG/Archive/2013/Y1/{night}/{exposure}/",
    "{exposure}/",
)


class Block(NamedTuple):
    """What one task adds to the archive: bytes for each tar, and lines of the table."""

    tars: list[bytes]
    lines: list[str]


def write_archive(plan: Plan, folder: Path, *, processes: int) -> None:
    """Write the tars and the table, one task's stamps in memory at a time."""
    with ExitStack() as stack:
        tars = [
            stack.enter_context(stack.enter_context(atomic_path(folder / f"stamps_{n}.tar")).open("wb"))
            for n in range(len(LAYOUTS))
        ]
        table = stack.enter_context(stack.enter_context(atomic_path(folder / TABLE)).open("w"))
        table.writelines(f"{line}\n" for line in (*COMMENTS, ",".join(("ID", "OBJECT_TYPE", *COLUMNS))))
        for block in ordered_map(draw_block, plan.tasks(), processes=processes):
            for stream, content in zip(tars, block.tars, strict=True):
                stream.write(content)
            table.writelines(block.lines)
        for stream in tars:
            stream.write(tar_end(stream.tell()))


def draw_block(task: Task) -> Block:
    """Stamps and table lines of one task."""
    triplets = list(task.triplets())
    records = list(task.record_streams())
    template, science, difference = (
        np.stack([getattr(triplet, name) for triplet in triplets])
        for name in ("template", "science", "difference")
    )
    masked = np.zeros(difference.shape, bool)
    for row, rng in enumerate(records):
        masked[row] = _mask(rng, task=task)
        # the sign is all that tells the two marks for "no data" apart; readers must know both
        difference[row][masked[row]] = rng.choice([-1, 1]) * task.constants["mask"]["value"]
    columns: dict[str, list[float | str]] = {
        name: list(values) for name, values in stamp_features(template, difference, masked=masked).items()
    }
    for triplet, rng in zip(triplets, records, strict=True):
        for name, value in truth_features(triplet, constants=task.constants, rng=rng).items():
            columns.setdefault(name, []).append(value)
    lines = [
        ",".join(
            (
                str(FIRST_ID + ID_STEP * index),
                str(OBJECT_TYPE[task.classes[row]]),
                *(_text(columns[name][row]) for name in COLUMNS),
            )
        )
        + "\n"
        for row, index in enumerate(task.indices)
    ]
    return Block(_tars(task, {"temp": template, "srch": science, "diff": difference}), lines)


def _mask(rng: np.random.Generator, *, task: Task) -> NDArray[np.bool_]:
    """Pixels of the difference without data: beyond the chip's edge, or, rarely, all."""
    settings, size = task.constants["mask"], task.constants["stamp_size_pixels"]
    draw = rng.random()
    if draw < settings["all_probability"]:
        return np.ones((size, size), bool)
    if draw < settings["all_probability"] + settings["edge_probability"]:
        return staircase_region(rng, size_pixels=size, clearance_pixels=settings["clearance_pixels"])
    return np.zeros((size, size), bool)


def _tars(task: Task, stamps: dict[str, NDArray[np.float64]]) -> list[bytes]:
    """Members of each tar, whole exposures in turn, the files of an exposure in a folder's random order."""
    contents: list[list[bytes]] = [[] for _ in LAYOUTS]
    for exposure, rows in _exposures(task):
        folder = LAYOUTS[exposure % len(LAYOUTS)].format(
            night=FIRST_NIGHT + exposure % 30, exposure=FIRST_EXPOSURE + exposure
        )
        members = []
        for row in rows:
            number = FIRST_ID + ID_STEP * task.indices[row]
            for kind, stack in stamps.items():
                name = f"{folder}{kind}{number}"
                members.append(tar_member(f"{name}.fits", fits_bytes(stack[row], cards=())))
                members.append(tar_member(f"{name}.gif", gif_bytes(stack[row], mark_pixels=MARK_PIXELS)))
        order = random_stream(task.seed, task.survey, PURPOSE_FILES, exposure).permutation(len(members))
        contents[exposure % len(LAYOUTS)] += [members[position] for position in order]
    return [b"".join(members) for members in contents]


def _exposures(task: Task) -> Iterator[tuple[int, list[int]]]:
    """Exposure numbers with the rows of the task that belong to them."""
    for start in range(0, len(task.indices), CANDIDATES_PER_EXPOSURE):
        rows = list(range(start, min(start + CANDIDATES_PER_EXPOSURE, len(task.indices))))
        yield task.indices[start] // CANDIDATES_PER_EXPOSURE, rows


def _text(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return "" if np.isnan(value) else f"{value:.6g}"
