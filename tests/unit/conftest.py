"""Simulated surveys and their constants, and stamps whose labels are written out."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stampshift.simulation import read_constants, simulate_survey
from stampshift.stamps.file import Stamps


@pytest.fixture(scope="session")
def survey_constants() -> Callable[[str], dict[str, Any]]:
    return read_constants


@pytest.fixture(scope="session")
def simulated(
    tmp_path_factory: pytest.TempPathFactory, survey_constants: Callable[[str], dict[str, Any]]
) -> Callable[[str, int], Path]:
    """Folder of an archive of a survey and a number of stamps, seed 7, drawn when first asked for."""
    folders: dict[tuple[str, int], Path] = {}

    def draw(survey: str, stamps: int) -> Path:
        if (survey, stamps) not in folders:
            folder = tmp_path_factory.mktemp(f"{survey}-{stamps}")
            simulate_survey(
                survey,
                stamps=stamps,
                seed=7,
                constants=survey_constants(survey),
                folder=folder,
                processes=1,
            )
            folders[survey, stamps] = folder
        return folders[survey, stamps]

    return draw


@pytest.fixture
def survey():
    """Stamps of a survey with given labels; identifiers are 101, 102, ..."""

    def make(*labels, name="DES"):
        ids = np.array([str(101 + row) for row in range(len(labels))])
        texts = np.zeros(len(labels), np.str_)
        pixels = np.zeros((len(labels), 3, 5, 5), np.float32)
        looks = np.arange(len(labels), dtype=np.uint64)
        return Stamps(name, pixels, np.array(labels, np.uint8), texts, ids, texts, looks, {})

    return make


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A released model of surveys A and B, of which B has -31415 for a masked pixel."""
    # here, as these need torch: on other Pythons rooms are tested without it
    from fake_release import release_of, write_results, write_run
    from stampshift.config.experiment import Run

    results = tmp_path_factory.mktemp("results")
    write_results(results)
    run = write_run(results, Run("scratch", "A", "B", 20, 0))
    return release_of(run, tmp_path_factory.mktemp("released") / "model")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Lines of progress so far, without a terminal; at every look of a bar at the clock a minute is over."""
    minutes = count()
    clock = SimpleNamespace(monotonic=lambda: 60.0 * next(minutes))
    monkeypatch.setattr("stampshift.core.bars.time", clock)
    monkeypatch.delenv("STAMPSHIFT_WORKFLOW_BAR", raising=False)
    return lambda: [line for line in capsys.readouterr().err.splitlines() if " in " in line]
