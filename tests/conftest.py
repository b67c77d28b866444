"""Small surveys that every part of the suite may use."""

import os
from pathlib import Path

import numpy as np
import pytest

from stampshift.splits import Splits, make_splits
from stampshift.stamps import Stamps, stamps_writer

FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def write_survey(folder: Path, name: str, *, width: float, count: int = 400, groups: bool = False) -> Path:
    """A stamps file of noise (bogus) and noise with a Gaussian source of `width` pixels (real)."""
    generator = np.random.default_rng(int.from_bytes(name.encode(), "little"))
    labels = generator.permutation(np.arange(count) % 2)
    y, x = np.mgrid[-10:11, -10:11]
    source = np.exp(-(x**2 + y**2) / (2 * width**2)).astype(np.float32)
    stamps = generator.normal(size=(count, 3, 21, 21)).astype(np.float32)
    stamps[:, 1:] += 3 * labels[:, None, None, None] * source
    path = folder / f"{name}.h5"
    with stamps_writer(path, survey=name, size_pixels=21) as writer:
        writer.append(
            stamps,
            labels=labels,
            classes=np.where(labels, "star", "ghost").tolist(),
            ids=[f"{name}-{row}" for row in range(count)],
            groups=[f"object-{row // 3}" if groups else "" for row in range(count)],
        )
    return path


@pytest.fixture(scope="session")
def survey_files(tmp_path_factory) -> dict[str, dict[str, Path]]:
    """Stamps and splits (seed 0) of two surveys, A with narrow and B with broad sources."""
    folder = tmp_path_factory.mktemp("surveys")
    files: dict[str, dict[str, Path]] = {"stamps": {}, "splits": {}}
    for name, width in (("A", 1.5), ("B", 3.0)):
        files["stamps"][name] = write_survey(folder, name, width=width)
        files["splits"][name] = folder / f"{name}.npz"
        make_splits(Stamps.open(files["stamps"][name]), fractions=FRACTIONS, seed=0).save(
            files["splits"][name]
        )
    return files


@pytest.fixture(scope="session")
def surveys(survey_files) -> dict[str, Stamps]:
    return {name: Stamps.open(path) for name, path in survey_files["stamps"].items()}


@pytest.fixture(scope="session")
def splits(survey_files) -> dict[str, Splits]:
    return {name: Splits.open(path) for name, path in survey_files["splits"].items()}


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of small real samples; tests that use it are skipped where it is not given."""
    folder = os.environ.get("STAMPSHIFT_REAL_DATA")
    if not folder:
        pytest.skip("STAMPSHIFT_REAL_DATA is not set: no real samples here")
    return Path(folder)
