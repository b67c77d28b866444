"""Writes ATLAS' training set: pickled science and difference stamps (Rabeendran & Denneau 2021).

The thesis' pickle is not public. This one is a list with, per candidate, ``id``, ``label`` (the class's
name), ``science`` and ``difference`` (FITS files as bytes, like the survey's alerts, which hold no template).
In the other form it is a dictionary of ``ids``, ``labels`` and ``images``, each of them two HDUs of astropy.
"""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from stampshift.formats.fits import read_image
from stampshift.simulation.archive_plan import Plan
from stampshift.simulation.detector import pixel_grid
from stampshift.simulation.encoding import fits_bytes, write_pickle

ARCHIVE = "atlas_training_set.pkl"
FIRST_NIGHT_MJD = 59000
CARDS = ("BZERO   =  0.0000000000000E+00", "BSCALE  =  1.0000000000000E+00", "EXTNAME = 'image   '")


def write_archive(plan: Plan, folder: Path, *, processes: int, hdus: bool = False) -> None:
    """Write the pickle, of HDUs or of FITS files; all candidates are in memory at once, as it demands."""
    records = chain.from_iterable(plan.blocks(draw_block, processes=processes))
    # pickle refers back to objects that it has met: equal texts must be the same object, or all different,
    # whatever process they come from
    labels = {name: name for name in plan.classes}
    table = [
        {"id": number, "label": labels[label], "science": science, "difference": difference}
        for number, label, science, difference in records
    ]
    write_pickle(folder / ARCHIVE, _of_hdus(table) if hdus else table)


def _of_hdus(table: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Images, labels and identifiers together."""
    content: dict[str, list[Any]] = {"images": [], "labels": [], "ids": []}
    for row in table:
        science, difference = (read_image(row[name], place=name) for name in ("science", "difference"))
        content["images"].append(fits.HDUList([fits.PrimaryHDU(science), fits.ImageHDU(difference)]))
        content["labels"].append(row["label"])
        content["ids"].append(row["id"])
    return content


def draw_block(task: Plan) -> list[tuple[str, str, bytes, bytes]]:
    """Identifier, class, science and difference (FITS) of the stamps of one task."""
    block = []
    for index, name, _, triplet, rng in task.stamps():
        # in float32, so that the difference is exact for anyone who subtracts the published images
        science = triplet.science.astype(np.float32)
        difference = science - triplet.template.astype(np.float32)
        difference[_mask(science, constants=task.constants, rng=rng)] = task.constants["mask"]["value"]
        # telescope and camera, night, exposure, filter, number: as in 02a59543o0040o_006230
        number = f"02a{FIRST_NIGHT_MJD + index // 500}o{index % 500:04d}o_{index:06d}"
        block.append((number, name, fits_bytes(science, cards=CARDS), fits_bytes(difference, cards=CARDS)))
    return block


def _mask(science: NDArray[np.float32], *, constants: Mapping[str, Any], rng: Generator) -> NDArray[np.bool_]:
    """Pixels that the subtraction leaves out: around saturated ones, and columns; the centre was searched."""
    settings, size = constants["mask"], science.shape[1]
    masked = np.asarray(science >= constants["saturation"] * (1 - 1e-6))
    if masked.any():
        y, x = pixel_grid(size)
        apart = np.hypot(x, y) > settings["clearance_pixels"]
        masked |= (distance_transform_edt(~masked) <= settings["radius_pixels"]) & apart
    if rng.random() < settings["column_probability"]:
        first = int(rng.integers(size))
        last = first + 1 + int(rng.geometric(settings["column_stop_probability"]))
        columns = np.arange(first, min(last, size))
        masked[:, columns[np.abs(columns - size // 2) > settings["clearance_pixels"]]] = True
    return masked
