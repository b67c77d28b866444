"""A stamps file of one survey of a config, without the rest of the experiment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stampshift.config.configuration import StampsConfig
from stampshift.config.messages import checked
from stampshift.config.surveys import reader_options, tolerated_share
from stampshift.core.errors import ArchiveError, ConfigError
from stampshift.core.files import read_yaml
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.surveys.inspection import describe_stamps
from stampshift.surveys.making import make_stamps

Section = Mapping[str, Any]
STAMPS = {"size_pixels": 21, "normalisation": "channel"}  # of the published experiment


def survey_settings(config: Path, *, survey: str, defaults: Path) -> tuple[Section, Section]:
    """The survey's section and that of the stamps from `config`, laid over those of `defaults`.

    Neither has to be a whole config, and `defaults` may not exist. Raises `ConfigError` if a file is no YAML,
    the survey is in neither, or its section is wrong.
    """
    given = read_yaml(config)
    base = read_yaml(defaults) if defaults.is_file() else {}
    sections = [each.get("surveys", {}).get(survey) for each in (base, given)]
    if sections == [None, None]:
        known = dict.fromkeys([*given.get("surveys", {}), *base.get("surveys", {})])
        raise ConfigError(
            f"{config}: expected a section surveys.{survey}, found {', '.join(known) or 'none'}."
        )
    section = {key: value for each in sections if each for key, value in each.items()}
    stamps = STAMPS | base.get("stamps", {}) | given.get("stamps", {})
    checked({"surveys": {survey: section}, "stamps": stamps}, StampsConfig)
    return section, stamps


def make_survey(
    survey: str,
    section: Section,
    stamps: Section,
    *,
    output: Path,
    processes: int,
    unit_minutes: float,
    unlabelled: str,
    context_pixels: int,
) -> str:
    """Make the stamps file of a survey and describe it as `stampshift inspect` does.

    The file appears only when complete; the number of worker processes does not change it. `unit_minutes` is
    that of `making.make_stamps`, `unlabelled` is ``"keep"`` or ``"drop"``, and `context_pixels` that of
    `Preprocessing`. Raises `ConfigError` if the archive is yet to be downloaded or drawn, `ArchiveError` if
    it is not there, and what `making.make_stamps` raises.
    """
    if section["origin"] != "path":
        raise ConfigError(
            f"config: surveys.{survey}.origin is '{section['origin']}', but `stampshift stamps` reads local "
            "archives only: set origin to 'path' and path to the archive, or let the workflow fetch it "
            f"(snakemake results/stamps/{survey}.h5)."
        )
    if not Path(section["path"]).exists():
        raise ArchiveError(
            f"{survey}: there is nothing at {section['path']}, where surveys.{survey}.path expects the "
            "archive. Correct the path; it is relative to this folder."
        )
    make_stamps(
        [Path(section["path"])],
        survey=survey,
        reader=section["reader"],
        options=reader_options(section),
        preprocessing=Preprocessing.of_settings(
            {**section, **stamps}, unlabelled=unlabelled, context_pixels=context_pixels
        ),
        processes=processes,
        unit_minutes=unit_minutes,
        origin={"path": section["path"]},
        checksums={},
        tolerated=tolerated_share(section),
        output=output,
    )
    return describe_stamps(output)
