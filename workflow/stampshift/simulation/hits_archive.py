"""Writes HiTS' archive: all_chunks.tar.gz of Python 2 pickles (Cabrera-Vives et al. 2017, ApJ 836, 97)."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stampshift.core.files import atomic_path
from stampshift.formats.archives import in_units
from stampshift.simulation import archive_plan
from stampshift.simulation.archive_plan import Plan
from stampshift.simulation.encoding import python2_pickle, tar_end, tar_folder, tar_member

ARCHIVE = "all_chunks.tar.gz"
ROWS_PER_CHUNK = 5000  # the archive's own: its files are named chunk_<n>_5000.pkl
IMAGES = ("temp_images", "sci_images", "diff_images", "SNR_images")
Arrays = dict[str, NDArray[np.floating]]


def write_archive(plan: Plan, folder: Path, *, processes: int) -> None:
    """Write all chunks of a plan into one compressed tar; one chunk at a time is held in memory."""
    with (
        atomic_path(folder / ARCHIVE) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as stream,
    ):
        written = stream.write(tar_folder("all_chunks"))
        blocks = plan.blocks(draw_block, processes=processes)
        for number, rows in enumerate(in_units(blocks, size=ROWS_PER_CHUNK // archive_plan.STAMPS_PER_TASK)):
            merged = {name: np.concatenate([arrays[name] for arrays in rows]) for name in rows[0]}
            name = f"all_chunks/chunk_{number}_{ROWS_PER_CHUNK}.pkl"
            written += stream.write(tar_member(name, python2_pickle(merged)))
        stream.write(tar_end(written))


def draw_block(task: Plan) -> Arrays:
    """Arrays of a chunk's keys for the stamps of one task."""
    stamps = list(task.stamps())
    triplets = [stamp.triplet for stamp in stamps]
    template, science = (
        np.stack([getattr(triplet, name) for triplet in triplets]).astype(np.float32)
        for name in ("template", "science")
    )
    # in float32, so that the difference is exact for anyone who subtracts the published images
    difference = science - template
    gain = task.constants["gain_electron_per_unit"]
    # variance expected in every pixel of the difference: both skies and photon noise
    variance = np.stack([
        seen.conditions.noise**2 + seen.conditions.template_noise**2 + np.maximum(seen.science, 0) / gain
        for seen in triplets
    ])  # fmt: skip
    images = (template, science, difference, (difference / np.sqrt(variance)).astype(np.float32))
    # as measured: the true one with unit scatter
    snrs = [
        triplet.candidate.flux / triplet.conditions.flux_error + rng.standard_normal()
        for *_, triplet, rng in stamps
    ]
    return {
        **{name: stack.reshape(len(stack), -1) for name, stack in zip(IMAGES, images, strict=True)},
        "SNRs": np.array(snrs, np.float64),
        "labels": np.array([name == "real" for name in task.classes], np.float64),
        "features": image_features(images),
    }


def image_features(images: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Fifty-six numbers per candidate, 14 of each of four images.

    The archive's own (Forster et al. 2016) are undocumented and unused; these keep the shape and the type.
    """
    columns = []
    for stack in images:
        values = stack.reshape(len(stack), -1).astype(np.float64)
        side = stack.shape[-1]
        box = stack[:, side // 2 - 2 : side // 2 + 3, side // 2 - 2 : side // 2 + 3].reshape(len(stack), -1)
        columns += [values.mean(1), values.std(1), values.min(1), values.max(1)]
        columns += list(np.percentile(values, [5, 25, 50, 75, 95], axis=1))
        columns += [box.mean(1), box.std(1), box.min(1), box.max(1), stack[:, side // 2, side // 2]]
    return np.stack(columns, axis=1).astype(np.float64)
