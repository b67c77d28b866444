"""Simulated surveys in the native raw formats of the archives that they stand in for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from stampshift.errors import ConfigError
from stampshift.simulation.streams import SURVEY_KEYS, class_counts

__all__ = ["class_counts", "simulate_survey"]

# imported when asked for: they need GalSim, which the tables and the workflow's planning do not
WRITERS = {"HiTS": "hits", "DES": "des", "ATLAS": "atlas", "ZTF": "ztf"}


def simulate_survey(
    survey: str, *, stamps: int, seed: int, constants: Mapping[str, Any], folder: Path, processes: int
) -> None:
    """Draw a survey and write it as its raw archive, in that survey's native format.

    The bytes depend on `survey`, `stamps`, `seed` and `constants` alone, not on `processes`. Files
    appear under their names only when whole.

    Parameters
    ----------
    survey
        Name of a survey that has a writer: HiTS, DES, ATLAS or ZTF.
    stamps
        Number of candidates.
    seed
        Any number from 0 on.
    constants
        Physical parameters, as in ``resources/surveys/<survey>.yaml``.
    folder
        Where the archive's files go; made if need be.
    processes
        Number of processes that draw.

    Raises
    ------
    ConfigError
        On a survey without writer, or a number out of range.
    """
    if survey not in SURVEY_KEYS:
        raise ConfigError(
            f"simulate: there is no simulation of survey {survey!r}; expected one of {', '.join(SURVEY_KEYS)}."
        )
    if seed < 0 or processes < 1:
        raise ConfigError(
            f"simulate {survey}: seed must be at least 0 and processes at least 1, found {seed} and {processes}."
        )
    plan_module = import_module("stampshift.simulation.plan")
    plan = plan_module.make_plan(survey, stamps=stamps, seed=seed, constants=constants)
    write: Callable[..., None] = import_module(f"stampshift.simulation.{WRITERS[survey]}").write_archive
    folder.mkdir(parents=True, exist_ok=True)
    write(plan, folder, processes=processes)
