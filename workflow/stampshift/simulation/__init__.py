"""Simulated surveys in the native raw formats of the archives that they stand in for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stampshift.core.errors import ConfigError
from stampshift.simulation.streams import SURVEY_KEYS, class_counts

__all__ = ["class_counts", "simulate_survey"]


def simulate_survey(
    survey: str, *, stamps: int, seed: int, constants: Mapping[str, Any], folder: Path, processes: int
) -> None:
    """Draw a survey and write it as its raw archive, in that survey's native format.

    The bytes depend on `survey`, `stamps`, `seed` and `constants` alone, not on `processes`. Files
    appear under their names only when whole.

    Parameters
    ----------
    survey
        Name of a survey that has a writer: HiTS, DES, ATLAS, ZTF, DECAT or Rubin.
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
            f"simulate: there is no simulation of survey {survey!r}; "
            f"expected one of {', '.join(SURVEY_KEYS)}."
        )
    if seed < 0 or processes < 1:
        raise ConfigError(
            f"simulate {survey}: seed must be at least 0 and processes at least 1, "
            f"found {seed} and {processes}."
        )
    # only now: these need GalSim, which the planning of a workflow does not
    from stampshift.simulation.archives import WRITERS
    from stampshift.simulation.plan import make_plan

    plan = make_plan(survey, stamps=stamps, seed=seed, constants=constants)
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[survey](plan, folder, processes=processes)
