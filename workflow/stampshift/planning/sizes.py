"""How many stamps each survey has or will have."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stampshift.planning.workflow import CONSTANTS, PlannedWorkflow
from stampshift.stamps.file import read_attributes


def survey_sizes(workflow: PlannedWorkflow) -> tuple[dict[str, int], list[str]]:
    """Number of stamps by survey, and the surveys of which it is not known and taken to be none.

    Of a simulated survey it is in the configuration; else it is read from the survey's stamps file where
    there is one, and taken from the published archive's counts where there is not.
    """
    sizes = {
        name: _size(name, section, workflow.results) for name, section in workflow.config["surveys"].items()
    }
    unknown = [name for name, size in sizes.items() if size is None]
    return {name: size or 0 for name, size in sizes.items()}, unknown


def _size(name: str, section: Mapping[str, Any], results: Path) -> int | None:
    if section["origin"] == "simulate":
        return int(section["simulate"]["stamps"])
    file, constants = results / "stamps" / f"{name}.h5", Path(CONSTANTS.format(survey=name))
    if file.exists():
        counts = read_attributes(file)["counts"]
        return int(counts["read"])
    if constants.exists():
        return sum(yaml.safe_load(constants.read_text())["archive_counts"].values())
    return None
