"""A small survey without physics in every form that the readers of any survey read."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from astropy.io import fits

from alert_packets import container, fits_bytes, images, packet

CLASSES = {"SN": "real", "ghost": "bogus"}
SIDE = 31


def candidates(count: int) -> tuple[np.ndarray, list[str], list[str]]:
    """Triplets float32 (count, 3, side, side), identifiers, and classes: a real has a source, a bogus "
    "none."""
    pixels = np.stack([np.stack(images(number, SIDE)) for number in range(count)])
    names = [("SN", "ghost")[number % 2] for number in range(count)]
    pixels[1::2, 1:] += np.random.default_rng(0).normal(0, 4, (count // 2, 2, SIDE, SIDE)) - pixels[1::2, 1:]
    return pixels.astype(np.float32), [f"c{number}" for number in range(count)], names


def write_hdf5(path: Path, count: int) -> dict:
    pixels, ids, names = candidates(count)
    with h5py.File(path, "w") as file:
        file["pixels"], file["id"], file["class"] = pixels, ids, names
    return {"stamps": "pixels", "axes": "channels_first", "id": "id", "label": "class"}


def write_npz(path: Path, count: int) -> dict:
    pixels, ids, names = candidates(count)
    np.savez_compressed(path, pixels=np.moveaxis(pixels, 1, -1)[..., ::-1].copy(), id=ids, label=names)
    return {
        "stamps": "pixels",
        "axes": "channels_last",
        "channels": ["difference", "science", "template"],
        "id": "id",
        "label": "label",
    }


def write_parquet(path: Path, count: int) -> dict:
    """FITS bytes of the science, names of files of the others."""
    pixels, ids, names = candidates(count)
    (path.parent / "fits").mkdir(parents=True, exist_ok=True)
    for identifier, (template, _, difference) in zip(ids, pixels, strict=True):
        for kind, image in (("t", template), ("d", difference)):
            (path.parent / "fits" / f"{identifier}{kind}.fits.gz").write_bytes(
                fits_bytes(image, gzipped=True)
            )
    table = pd.DataFrame(
        {
            "id": ids,
            "t": [f"fits/{name}t.fits.gz" for name in ids],
            "s": [fits_bytes(image) for image in pixels[:, 1]],
            "d": [f"fits/{name}d.fits.gz" for name in ids],
            "class": names,
        }
    )
    table.to_parquet(path)
    return {"stamps": {"template": "t", "science": "s", "difference": "d"}, "id": "id", "label": "class"}


def write_folder(folder: Path, count: int) -> dict:
    """In turn a cube, three HDUs, and three files."""
    pixels, ids, names = candidates(count)
    for number, (identifier, name, triplet) in enumerate(zip(ids, names, pixels, strict=True)):
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        if number % 3 == 0:
            fits.PrimaryHDU(triplet).writeto(place / f"{identifier}.fits")
        elif number % 3 == 1:
            hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(image) for image in triplet)]
            fits.HDUList(hdus).writeto(place / f"{identifier}.fits.gz")
        else:
            for kind, image in zip(("template", "science", "difference"), triplet, strict=True):
                fits.PrimaryHDU(image).writeto(place / f"{identifier}_{kind}.fits")
    return {}


def write_packets(folder: Path, count: int, survey: str = "Rubin") -> dict:
    """Packets of any dialect, and their labels in a file beside the folder."""
    pixels, _, names = candidates(count)
    folder.mkdir(parents=True)
    fields = [packet(survey, number, tuple(triplet)) for number, triplet in enumerate(pixels, 1)]
    (folder / "night.avro").write_bytes(container(survey, fields, per_block=4))
    labels = folder.parent / f"{folder.name}-labels.csv"
    pd.DataFrame({"id": range(1, count + 1), "label": names}).to_csv(labels, index=False)
    return {"labels": str(labels)}
