"""A released model, and a stand-in for one: a reference of known distributions."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fake_scores import drawn
from stampshift.release.released import ReleasedModel
from stampshift.scoring import score


@pytest.fixture(scope="session")
def known():
    reference = drawn(np.random.default_rng(0), 1000).assign(survey="A", part="validation", label=1)
    contract = SimpleNamespace(
        calibration={"temperature": 1.0},
        surveys={"A": {"role": "source"}},
        home="A",
        simulated=False,
        out_of_distribution={"thresholds": {"A": {"distance": 12.0, "expected": 0.01, "stamps": 1000}}},
    )
    model = ReleasedModel(Path("model"), contract=contract, network=None)
    model.reference = lambda: reference
    return model


@pytest.fixture
def run(released, tmp_path):
    def run(*inputs, output=None, release=released.folder, **options):
        settings = {"schemas": None, "survey": None, "threshold": None, "processes": 1}
        settings |= {"unit_minutes": 10, "overwrite": False}
        output = output or tmp_path / "scores.parquet"
        night = score.score(release, list(inputs), output=output, progress=False, **(settings | options))
        return night, output

    return run
