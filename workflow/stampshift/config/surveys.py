"""The section of a survey: its reader and the reader's options, its archive, its classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stampshift.config.fields import PLACE, ConfigModel, Name, Omittable, Seed, Unique
from stampshift.core.errors import ConfigError

ANY_SURVEY = ("table", "packets", "folder")  # readers that a key of their name describes
# keys of SIGNAL_TO_NOISE and FEATURES of surveys.catalogue, named here because it imports all readers and a
# table library, and every job reads the configuration
READERS_WITH_SNR = ("des", "hits")
READERS_WITH_FEATURES = ("des",)

LabelFile = Annotated[
    Name,
    Field(
        description="CSV or Parquet of `id,label`, the labels being classes of `classes`; what it leaves "
        "out is unlabelled."
    ),
]


class ChannelOrder(ConfigModel):
    """Options of readers whose archives may hold all channels in one array or file."""

    channels: Omittable[Unique[Literal["template", "science", "difference"]]] = Field(
        None,
        min_length=2,
        max_length=3,
        description="Order of the images where one array or file holds all of them; template, science, "
        "difference without this key.",
    )
    template: Omittable[Literal["science - difference"]] = Field(
        None,
        description="The survey has no template; it is computed, invalid where either of the two is invalid.",
    )

    @model_validator(mode="after")
    def _channels_are_those_stored(self) -> Self:
        stored = {"template", "science", "difference"} - ({"template"} if self.template else set())
        if self.channels is not None and set(self.channels) != stored:
            raise ValueError(
                f"{PLACE}.channels is {self.channels}, but the archive should hold "
                f"{', '.join(sorted(stored))}, each once."
            )
        return self


class StampNames(ConfigModel):
    """A name for each of template, science and difference."""

    template: Omittable[Name] = Field(None)
    science: Name
    difference: Name


class Table(ChannelOrder):
    """Names of the arrays of an HDF5 or npz file, or of the columns of a Parquet file."""

    stamps: Name | StampNames = Field(
        description="One name, of what holds all channels, or a name for each of template, science and "
        "difference. In HDF5 and npz arrays of pixels; in Parquet FITS bytes, or names of FITS files "
        "relative to the table."
    )
    axes: Omittable[Literal["channels_first", "channels_last"]] = Field(
        None, description="Of one array for all channels, (N, 3, size, size) or (N, size, size, 3)."
    )
    mask: Omittable[Name] = Field(
        None,
        description="Name of what is non-zero where a pixel is invalid, one image for all channels or one "
        "for each.",
    )
    id: Omittable[Name] = Field(
        None, description="Name of the candidates' identifiers; `<file>:<row>` without this key."
    )
    group: Omittable[Name] = Field(
        None,
        description="Name of the identifiers of the astronomical objects; no object gets into two parts of "
        "a split.",
    )
    label: Omittable[Name] = Field(
        None,
        description="Name of the classes; or else `labels`. Without both every stamp is unlabelled.",
    )
    labels: Omittable[LabelFile] = Field(None)
    unlabelled: Omittable[str | float] = Field(
        None, description="Value of `label` that stands for none, as -1; empty and NaN always do."
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        given = self.model_fields_set
        if isinstance(self.stamps, StampNames):
            if ("template" in self.stamps.model_fields_set) == ("template" in given):
                found = "both name a template" if "template" in given else "name no template"
                raise ValueError(f"{PLACE}.stamps and {PLACE}.template {found}; one of them should.")
            for key in ("axes", "channels"):
                if key in given:
                    raise ValueError(
                        f"{PLACE}.{key} is of one array for all channels, but stamps names one for each."
                    )
        if {"label", "labels"} <= given:
            raise ValueError(f"{PLACE} has both `label` and `labels`; give one.")
        if "labels" in given and "id" not in given:
            raise ValueError(
                f"{PLACE}.labels is joined by identifier, but there is no `id`; name the table's."
            )
        if "unlabelled" in given and "label" not in given:
            raise ValueError(f"{PLACE}.unlabelled is a value of `label`, but there is no `label`.")
        return self


class Packets(ConfigModel):
    """Alert packets in Avro or Parquet; the survey is recognised by their fields."""

    labels: Omittable[LabelFile] = Field(None)
    schemas: Omittable[Name] = Field(
        None,
        description="Folder of schemas of packets in Confluent's wire format, `<id>.avsc` or the folder "
        "`schema` of the package lsst-alert-packet.",
    )


class Folder(ChannelOrder):
    """FITS files in folders named after the classes; those in `unlabelled/` have none."""


class Simulate(ConfigModel):
    """What the simulator draws."""

    stamps: int = Field(
        ge=20,
        description="Triplets to draw, all classes together, in proportion to the real archive.",
    )
    seed: Seed = Field(description="The same seed writes the same archive, byte for byte.")
    flipped: Omittable[float] = Field(
        None,
        gt=0,
        lt=0.5,
        description="Share of candidates whose label is planted wrong in the archive; of reader des alone.",
    )


class Invalid(ConfigModel):
    """Pixel values that mark a missing pixel."""

    equals: Omittable[float] = Field(None, description="Exactly this value.")
    magnitude_above: Omittable[float] = Field(None, gt=0, description="An absolute value of this or more.")
    nonzero_below: Omittable[float] = Field(
        None, gt=0, description="An absolute value under this, zero excepted."
    )


def _both_labels(classes: dict[str, str]) -> dict[str, str]:
    if "unlabelled" in classes:
        raise ValueError(f"{PLACE}: 'unlabelled' is what has no class, and needs no line; take it out.")
    missing = {"real", "bogus"} - set(classes.values())
    if missing:
        raise ValueError(f"{PLACE} has no class that is {missing.pop()}.")
    return classes


class Survey(ConfigModel):
    """A survey: format and place of its archive, what its classes and its missing pixels are."""

    reader: Literal["hits", "des", "atlas", "ztf", "table", "packets", "folder"] = Field(
        description="Format of the raw archive, that of a published survey, or `table`, `packets`, `folder` "
        "for any survey; the key of that name says more."
    )
    table: Omittable[Table] = Field(None)
    packets: Omittable[Packets] = Field(None)
    folder: Omittable[Folder] = Field(None)
    origin: Literal["url", "path", "simulate"] = Field(
        description="Where the raw archive comes from; the key of that name says more."
    )
    url: Omittable[Unique[Annotated[str, Field(pattern="^(https?|ftp|file)://.+")]]] = Field(
        None, min_length=1, description="Addresses of the archive's files."
    )
    sha256: Omittable[dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]] = Field(
        None,
        description="Known checksums of downloaded files, by file name; a file without one is held to the "
        "checksum recorded in resources/downloads.lock when it was first seen.",
    )
    path: Omittable[Name] = Field(None, description="File or folder that holds the archive.")
    simulate: Omittable[Simulate] = Field(None)
    classes: Annotated[dict[str, Literal["real", "bogus"]], AfterValidator(_both_labels)] = Field(
        min_length=1,
        description="The label of every class that the survey has, names in quotes where they are numbers. "
        "A class that is not here stops the run. What has no class is `unlabelled`, which needs no line "
        "here.",
    )
    invalid: Invalid = Field(
        description="Pixel values, in the survey's units, that mark a missing pixel. NaN and inf always do."
    )

    @property
    def flipped(self) -> bool:
        """Whether wrong labels are planted in its simulated archive."""
        return self.simulate is not None and self.simulate.flipped is not None

    @model_validator(mode="after")
    def _reader_agrees(self) -> Self:
        reader = self.reader
        for other in ANY_SURVEY:
            if other in self.model_fields_set and other != reader:
                raise ValueError(f"{PLACE}.{other} is there, but {PLACE}.reader is '{reader}'.")
        if reader in ANY_SURVEY and self.origin == "simulate":
            raise ValueError(
                f"{PLACE}.origin is 'simulate', but the simulator writes the formats of the published "
                f"surveys, and the reader is '{reader}'; set origin to 'path'."
            )
        if reader == "table" and self.table is None:
            raise ValueError(
                f"{PLACE}.reader is 'table', but the section has no key `table` that names its stamps."
            )
        if self.flipped and reader != "des":
            raise ValueError(
                f"{PLACE}.simulate.flipped: wrong labels are planted in archives of reader 'des' alone, and "
                f"{PLACE}.reader is '{reader}'; take the key out."
            )
        return self

    @model_validator(mode="after")
    def _archive_agrees(self) -> Self:
        if self.origin not in self.model_fields_set:
            raise ValueError(f"{PLACE}.origin is '{self.origin}', but the section has no key of that name.")
        names = [address.rpartition("/")[2] for address in self.url or []]
        stray = sorted(set(self.sha256 or {}) - set(names))
        if stray:
            raise ValueError(
                f"{PLACE}.sha256 names '{stray[0]}', which is no file of its url: "
                f"{', '.join(names) or 'there is none'}."
            )
        return self


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

    Raises `ConfigError` if the folder holds none, or is not there.
    """
    folder = reader_options(section).get("schemas")
    if not folder:
        return []
    found = sorted(Path(folder).rglob("*.avsc"))
    if not found:
        what = "no file *.avsc in it" if Path(folder).is_dir() else "no such folder"
        raise ConfigError(
            f"packets.schemas: expected a folder of schemas at {folder}, found {what}. Put <id>.avsc there, "
            "or name the folder `schema` of the package lsst-alert-packet."
        )
    return found
