"""Simulated surveys in the native raw formats of the archives that they stand in for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from stampshift.core.errors import ConfigError
from stampshift.core.files import make_folder
from stampshift.simulation.streams import (
    TRUTH,
    check_survey,
    class_counts,
    constants_file,
    expected_counts,
    read_constants,
)

__all__ = [
    "TRUTH",
    "class_counts",
    "constants_file",
    "expected_counts",
    "read_constants",
    "simulate_survey",
]


def simulate_survey(
    survey: str,
    *,
    stamps: int,
    seed: int,
    constants: Mapping[str, Any],
    folder: Path,
    processes: int,
    flipped: float | None = None,
    flipped_by: Literal["cause", "chance"] = "cause",
    hdus: bool = False,
    packets: bool = False,
) -> None:
    """Draw a survey and write it as its raw archive, in that survey's native format, into `folder`.

    The bytes do not depend on `processes`. The `constants` are as `read_constants` gives them. In an archive
    in DES' format wrong labels are planted, of a share `flipped` of the candidates, as `flips.plant_flips`
    does; that of ATLAS is a pickle of astropy's `hdus` on demand. Of any survey the archive may be alert
    `packets` instead, without labels; the true ones are in `TRUTH` beside them.
    Raises ConfigError for an unknown survey, a number out of range, or HDUs of another survey.
    """
    check_survey(survey)
    if seed < 0 or processes < 1:
        found = f"found {seed} and {processes}"
        raise ConfigError(f"simulate {survey}: seed must be at least 0 and processes at least 1, {found}.")
    if hdus and survey != "ATLAS":
        raise ConfigError(f"simulate {survey}: only ATLAS' archive can be one of pickled HDUs.")
    # only now: these need GalSim, which the planning of a workflow does not
    from stampshift.simulation import atlas_archive, des_archive, hits_archive, rubin_archive, ztf_archive
    from stampshift.simulation.archive_plan import make_plan
    from stampshift.simulation.flips import plant_flips

    writers: dict[str, Any] = {
        **{"HiTS": hits_archive, "DES": des_archive, "ATLAS": atlas_archive, "ZTF": ztf_archive},
        **{"DECAT": des_archive, "Rubin": rubin_archive},  # DECAT has the camera and the pipeline of DES
    }
    writer = rubin_archive if packets else writers[survey]
    plan = make_plan(survey, stamps=stamps, seed=seed, constants=constants)
    make_folder(folder)
    form = {"hdus": True} if hdus else {}
    causes = writer.write_archive(plan, folder, processes=processes, **form)
    if flipped is not None:
        plant_flips(folder, survey=survey, seed=seed, share=flipped, by=flipped_by, causes=causes)
