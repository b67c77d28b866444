"""Surveys without physics: noise, and noise with a source."""

from pathlib import Path

import numpy as np

from stampshift.stamps.file import Stamps
from stampshift.stamps.preprocessing import Counts
from stampshift.stamps.writer import stamps_writer

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def write_survey(
    folder: Path, name: str, *, width: float, count: int = 400, groups: bool = False, size: int = 21
) -> Path:
    """A stamps file of noise (bogus) and noise with a Gaussian source of `width` pixels (real)."""
    generator = np.random.default_rng(int.from_bytes(name.encode(), "little"))
    labels = generator.permutation(np.arange(count) % 2)
    y, x = np.indices((size, size)) - size // 2
    source = np.exp(-(x**2 + y**2) / (2 * width**2)).astype(np.float32)
    stamps = generator.normal(size=(count, 3, size, size)).astype(np.float32)
    stamps[:, 1:] += 3 * labels[:, None, None, None] * source
    path = folder / f"{name}.h5"
    with stamps_writer(path, survey=name, size_pixels=size) as writer:
        writer.append(
            stamps,
            labels=labels,
            classes=np.where(labels, "star", "ghost").tolist(),
            ids=[f"{name}-{row}" for row in range(count)],
            groups=[f"object-{row // 3}" if groups else "" for row in range(count)],
        )
        counts = vars(Counts(read=count, kept=count))
        raw = {"files": 1, "bytes": 1, "sha256": "0"}
        writer.describe({"counts": counts, "invalid": {}, "origin": {"path": "raw"}, "raw": raw})
    return path


def flip_labels(path: Path, rows) -> None:
    """Write a stamps file again with the labels of some rows flipped, and the digest of that."""
    old = Stamps.open(path, unlabelled=True)
    labels = old.labels.copy()
    labels[rows] = 1 - labels[rows]
    with stamps_writer(path, survey=old.survey, size_pixels=old.stamps.shape[-1]) as writer:
        texts = {name: getattr(old, name).tolist() for name in ("classes", "ids", "groups")}
        writer.append(old.stamps, labels=labels, **texts)
        writer.describe(old.attributes)


def survey_of(labels, *, objects=None, looks=None) -> Stamps:
    """Stamps of one blank pixel with these labels, perhaps with objects, and with looks that may be alike."""
    count = len(labels)
    return Stamps(
        survey="X",
        stamps=np.zeros((count, 3, 1, 1), np.float32),
        labels=np.asarray(labels, np.uint8),
        classes=np.full(count, "any"),
        ids=np.arange(count).astype(str),
        groups=np.full(count, "") if objects is None else np.asarray(objects),
        fingerprints=np.arange(count, dtype=np.uint64) if looks is None else np.asarray(looks, np.uint64),
        attributes={},
    )
