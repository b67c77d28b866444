"""A stamps file of one survey of a config, without the rest of the experiment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stampshift.config.messages import checked
from stampshift.config.model import StampsConfig
from stampshift.config.surveys import reader_options
from stampshift.core.errors import ArchiveError, ConfigError
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.inspection import describe_stamps
from stampshift.surveys.making import make_stamps

STAMPS = {"size_pixels": 21, "normalisation": "channel"}  # of the published experiment


class SurveySettings(NamedTuple):
    """What a stamps file of a survey is made from: the survey's section, and that of the stamps."""

    survey: str
    section: Mapping[str, Any]
    stamps: Mapping[str, Any]


def survey_settings(config: Path, *, survey: str, defaults: Path) -> SurveySettings:
    """Settings of one survey from `config`, which need not be a whole config, laid over those of `defaults`.

    `config` has the survey's section under `surveys`, and perhaps `stamps`; `defaults` need not exist. Raises
    `ConfigError` if a file is no YAML, the survey is in neither, or its section is wrong.
    """
    given = _read(config)
    base = _read(defaults) if defaults.is_file() else {}
    sections = [each.get("surveys", {}).get(survey) for each in (base, given)]
    if sections == [None, None]:
        known = dict.fromkeys([*given.get("surveys", {}), *base.get("surveys", {})])
        raise ConfigError(
            f"{config}: expected a section surveys.{survey}, found {', '.join(known) or 'none'}."
        )
    section = {key: value for each in sections if each for key, value in each.items()}
    stamps = STAMPS | base.get("stamps", {}) | given.get("stamps", {})
    checked({"surveys": {survey: section}, "stamps": stamps}, StampsConfig)
    return SurveySettings(survey, section, stamps)


def make_survey(settings: SurveySettings, *, output: Path, processes: int, unlabelled: str) -> str:
    """Make the stamps file of a survey and describe it as `stampshift inspect` does.

    The file appears only when complete; the number of worker processes does not change it. `unlabelled` is
    ``"keep"`` or ``"drop"``. Raises `ConfigError` if the archive is yet to be downloaded or drawn,
    `ArchiveError` if it is not there, and what `making.make_stamps` raises.
    """
    section, survey = settings.section, settings.survey
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
        classes=section["classes"],
        invalid=InvalidPixels(**section["invalid"]),
        size_pixels=settings.stamps["size_pixels"],
        normalisation=settings.stamps["normalisation"],
        unlabelled=unlabelled,
        processes=processes,
        origin={"path": section["path"]},
        checksums={},
        output=output,
        progress=True,
    )
    return describe_stamps(output)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not a readable YAML file ({error}).") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a config, found {type(content).__name__}.")
    return content
