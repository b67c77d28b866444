"""Runs of two fake surveys, and their releases, made once per session."""

from pathlib import Path

import pytest

from fake_release import release_of, write_results, write_run
from stampshift.config.experiment import Run
from stampshift.release.released import ReleasedModel
from stampshift.stamps.splits import Splits


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_results(folder)
    return folder


@pytest.fixture(scope="session")
def baseline_run(results) -> Path:
    return write_run(results, Run("baseline", "A", None, 0, 0))


@pytest.fixture(scope="session")
def adapted_run(results) -> Path:
    return write_run(results, Run("scratch", "A", "B", 20, 0))


@pytest.fixture(scope="session")
def baseline_release(baseline_run, tmp_path_factory) -> ReleasedModel:
    return release_of(baseline_run, tmp_path_factory.mktemp("released") / "baseline")


@pytest.fixture(scope="session")
def adapted_release(adapted_run, tmp_path_factory) -> ReleasedModel:
    return release_of(adapted_run, tmp_path_factory.mktemp("released") / "adapted")


@pytest.fixture(scope="session")
def splits_of(results) -> dict[str, Splits]:
    return {name: Splits.open(results / "splits" / name / "seed-0.npz") for name in ("A", "B")}
