"""A stand-in for a released model: a reference of known distributions."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fake_scores import drawn


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
    return SimpleNamespace(folder=Path("model"), contract=contract, reference=lambda: reference)
