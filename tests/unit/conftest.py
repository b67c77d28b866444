"""Constants of the simulated surveys, and small archives drawn once per session."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stampshift.simulation import simulate_survey

CONSTANTS_FOLDER = Path(__file__).parents[2] / "resources" / "surveys"


@pytest.fixture(scope="session")
def survey_constants() -> Callable[[str], dict[str, Any]]:
    def load(survey: str) -> dict[str, Any]:
        return yaml.safe_load((CONSTANTS_FOLDER / f"{survey}.yaml").read_text())

    return load


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
