"""What a schema cannot say of the readers of any survey: that their options agree with each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stampshift.core.errors import ConfigError

ANY_SURVEY = ("table", "packets", "folder")  # readers that a section of their name describes
CHANNELS = {"template", "science", "difference"}


def reader_options(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options of a survey's reader: its section's key of the reader's name."""
    options: Mapping[str, Any] = section.get(section["reader"], {})
    return options


def label_files(section: Mapping[str, Any]) -> list[str]:
    """File of the labels that a survey's archive does not hold, in a list; empty where there is none."""
    labels = reader_options(section).get("labels")
    return [labels] if labels else []


def schema_files(section: Mapping[str, Any]) -> list[Path]:
    """Files of the folder of schemas that a survey's packets come without, sorted; empty where none is named.

    Raises
    ------
    ConfigError
        If the folder holds none, or is not there.
    """
    folder = reader_options(section).get("schemas")
    if not folder:
        return []
    found = sorted(Path(folder).rglob("*.avsc"))
    if not found:
        what = "no file *.avsc in it" if Path(folder).is_dir() else "no such folder"
        raise ConfigError(
            f"packets.schemas: expected a folder of schemas at {folder}, found {what}. Put <id>.avsc "
            "there, or name the folder `schema` of the package lsst-alert-packet."
        )
    return found


def check_reader(name: str, section: Mapping[str, Any]) -> None:
    """Raise a `ConfigError` of one sentence where a survey's reader and its options contradict each other."""
    place, reader = f"config: surveys.{name}", section["reader"]
    for other in ANY_SURVEY:
        if other in section and other != reader:
            raise ConfigError(
                f"{place}.{other} is there, but {place.removeprefix('config: ')}.reader is '{reader}'."
            )
    if reader in ANY_SURVEY and section["origin"] == "simulate":
        raise ConfigError(
            f"{place}.origin is 'simulate', but the simulator writes the formats of the published surveys, "
            f"and the reader is '{reader}'; set origin to 'path'."
        )
    if reader == "table" and "table" not in section:
        raise ConfigError(
            f"{place}.reader is 'table', but the section has no key `table` that names its stamps."
        )
    options = reader_options(section)
    if reader == "table":
        _check_table(f"{place}.table", options)
    stored = CHANNELS - ({"template"} if "template" in options else set())
    if "channels" in options and set(options["channels"]) != stored:
        raise ConfigError(
            f"{place}.{reader}.channels is {options['channels']}, but the archive should hold "
            f"{', '.join(sorted(stored))}, each once."
        )


def _check_table(place: str, options: Mapping[str, Any]) -> None:
    stamps = options["stamps"]
    if not isinstance(stamps, str):
        if ("template" in stamps) == ("template" in options):
            found = "both name a template" if "template" in stamps else "name no template"
            raise ConfigError(
                f"{place}.stamps and {place.removeprefix('config: ')}.template {found}; one of them should."
            )
        for key in ("axes", "channels"):
            if key in options:
                raise ConfigError(
                    f"{place}.{key} is of one array for all channels, but stamps names one for each."
                )
    if "label" in options and "labels" in options:
        raise ConfigError(f"{place} has both `label` and `labels`; give one.")
    if "labels" in options and "id" not in options:
        raise ConfigError(f"{place}.labels is joined by identifier, but there is no `id`; name the table's.")
    if "unlabelled" in options and "label" not in options:
        raise ConfigError(f"{place}.unlabelled is a value of `label`, but there is no `label`.")
