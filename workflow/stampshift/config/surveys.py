"""The section of a survey: its reader and the reader's options, its archive, its classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stampshift.config.fields import (
    PLACE,
    ConfigModel,
    Name,
    Omittable,
    Positive,
    Seed,
    ShareOrZero,
    Unique,
    key,
)
from stampshift.core.errors import ConfigError

ANY_SURVEY = ("table", "packets", "folder")  # readers that a key of their name describes
# keys of SIGNAL_TO_NOISE and FEATURES of surveys.catalogue, named here because it imports all readers and a
# table library, and every job reads the configuration
READERS_WITH_SNR = ("des", "hits")
READERS_WITH_FEATURES = ("des",)
CHANNELS = {"template", "science", "difference"}
TOLERATED = 0.001  # share of candidates that may be unusable, if the configuration says nothing
LABELS = "CSV or Parquet of `id,label`, labels as in `classes`; what it leaves out is unlabelled."

Address = Annotated[str, Field(pattern="^(https?|ftp|file)://.+")]
Checksum = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ChannelOrder(ConfigModel):
    """Options of readers whose archives may hold all channels in one array or file."""

    channels: Omittable[Unique[Literal["template", "science", "difference"]]] = key(
        "Order of the images in one array or file; template, science, difference without this key.",
        min_length=2,
        max_length=3,
    )
    template: Omittable[Literal["science - difference"]] = key(
        "The survey has no template; it is computed, invalid where either of the two is invalid."
    )

    def _check(self) -> None:
        stored = CHANNELS - ({"template"} if self.template else set())
        if self.channels is not None and set(self.channels) != stored:
            raise ValueError(
                f"{PLACE}.channels is {self.channels}, but the archive should hold "
                f"{', '.join(sorted(stored))}, each once."
            )


class StampNames(ConfigModel):
    """A name for each of template, science and difference."""

    template: Omittable[Name]
    science: Name
    difference: Name


class MetadataNames(ConfigModel):
    """A name for each of what a table says of a candidate beside its pixels."""

    ra: Omittable[Name] = key("In degrees, as is dec.")
    dec: Omittable[Name]
    magnitude: Omittable[Name]
    snr: Omittable[Name]
    band: Omittable[Name]
    ccd: Omittable[Name]


class Table(ChannelOrder):
    """Names of the arrays of an HDF5 or npz file, or of the columns of a Parquet file."""

    stamps: Name | StampNames = key(
        "One name if it holds all channels, or a name for each of template, science and difference. In HDF5 "
        "and npz arrays of pixels; in Parquet FITS bytes, or names of FITS files relative to the table."
    )
    axes: Omittable[Literal["channels_first", "channels_last"]] = key(
        "Axes of one array for all channels: (N, 3, size, size) or (N, size, size, 3)."
    )
    mask: Omittable[Name] = key("Non-zero where a pixel is invalid, one image for all channels or for each.")
    id: Omittable[Name] = key("Identifiers of the candidates; `<file>:<row>` without this key.")
    group: Omittable[Name] = key(
        "Identifiers of the astronomical objects; all stamps of an object go into one part of a split."
    )
    label: Omittable[Name] = key(
        "The classes; `labels` is the alternative. Without either, every stamp is unlabelled."
    )
    labels: Omittable[Name] = key(LABELS)
    unlabelled: Omittable[str | float] = key(
        "Value of `label` that means no label, such as -1; empty and NaN always mean this."
    )
    metadata: Omittable[MetadataNames] = key(
        "What the review page shows beside the stamps: position, magnitude, S/N, band, detector. No model "
        "sees it."
    )

    def _check(self) -> None:
        super()._check()
        if isinstance(self.stamps, StampNames):
            if (self.stamps.template is None) == (self.template is None):
                found = "both name a template" if self.template else "name no template"
                raise ValueError(f"{PLACE}.stamps and {PLACE}.template {found}; one of them should.")
            for name, given in (("axes", self.axes), ("channels", self.channels)):
                if given:
                    text = f"{PLACE}.{name} needs one array of all channels, but stamps names one for each."
                    raise ValueError(text)
        if self.label and self.labels:
            raise ValueError(f"{PLACE} has both `label` and `labels`; give one.")
        if self.labels and not self.id:
            raise ValueError(
                f"{PLACE}.labels is joined by identifier, but `id` is not set; set it to the table's "
                "identifiers."
            )
        if self.unlabelled is not None and not self.label:
            raise ValueError(f"{PLACE}.unlabelled is a value of `label`, but `label` is not set.")


class Packets(ConfigModel):
    """Alert packets in Avro or Parquet; the survey is recognised by their fields."""

    labels: Omittable[Name] = key(LABELS)
    schemas: Omittable[Name] = key(
        "Folder of schemas of packets in Confluent's wire format, `<id>.avsc` or the folder `schema` of the "
        "package lsst-alert-packet."
    )


class Folder(ChannelOrder):
    """FITS files in folders named after the classes; those in `unlabelled/` have none."""


class Simulate(ConfigModel):
    """What the simulator draws."""

    stamps: int = key("Triplets, all classes together, in proportion to the real archive.", ge=20)
    seed: Seed = key("The same seed writes the same archive, byte for byte.")
    flipped: Omittable[float] = key(
        "Share of labels made wrong on purpose; for reader des only.", gt=0, lt=0.5
    )
    flipped_by: Omittable[Literal["cause", "chance"]] = key(
        "Which labels: those of saturated stars, bad CCDs, dipoles and cores of bright galaxies, or any. "
        "`cause` without this key."
    )
    hdus: Omittable[bool] = key(
        "Whether the pickle holds HDUs of astropy, images and labels together; for reader atlas only."
    )

    def _check(self) -> None:
        if self.flipped_by and self.flipped is None:
            raise ValueError(f"{PLACE}.flipped_by is '{self.flipped_by}', but no share `flipped` is set.")


class Invalid(ConfigModel):
    """Pixel values, in the survey's units, that mark a missing pixel. NaN and inf always do.

    A key that is null marks none, as one that is left out: an overlay can take a mark away.
    """

    equals: float | None = key("Exactly this value.", default=None)
    magnitude_above: Positive | None = key("An absolute value of this or more.", default=None)
    nonzero_below: Positive | None = key("An absolute value under this, zero excepted.", default=None)


def _both_labels(classes: dict[str, str]) -> dict[str, str]:
    if "unlabelled" in classes:
        raise ValueError(f"{PLACE}: 'unlabelled' means no class and needs no line; remove it.")
    missing = {"real", "bogus"} - set(classes.values())
    if missing:
        raise ValueError(f"{PLACE} has no class that is {missing.pop()}.")
    return classes


class Survey(ConfigModel):
    """A survey: format and place of its archive, what its classes and its missing pixels are."""

    reader: Literal["hits", "des", "atlas", "ztf", "table", "packets", "folder"] = key(
        "Format of the raw archive, that of a published survey, or `table`, `packets`, `folder` for any "
        "survey; options are under the key of that name."
    )
    table: Omittable[Table]
    packets: Omittable[Packets]
    folder: Omittable[Folder]
    origin: Literal["url", "path", "simulate"] = key(
        "Where the raw archive comes from; options are under the key of that name."
    )
    url: Omittable[Unique[Address]] = key("Addresses of the archive's files.", min_length=1)
    sha256: Omittable[dict[str, Checksum]] = key(
        "Known checksums of downloaded files, by file name; a file without one is checked against the "
        "checksum recorded in resources/downloads.lock when it was first seen."
    )
    path: Omittable[Name] = key("File or folder that holds the archive.")
    simulate: Omittable[Simulate]
    classes: Annotated[dict[str, Literal["real", "bogus"]], AfterValidator(_both_labels)] = key(
        "The label of every class that the survey has, names in quotes if they are numbers. A class that is "
        "missing here stops the run. Stamps without a class are `unlabelled`, which needs no line here.",
        min_length=1,
    )
    invalid: Invalid
    tolerated: Omittable[ShareOrZero] = key(
        "Share of the archive's candidates that may be damaged or incomplete (0.001 without this key): they "
        "are dropped, counted and named, and more of them stop the run. For readers hits, des, atlas and ztf."
    )

    @property
    def flipped(self) -> bool:
        """Whether wrong labels are planted in its simulated archive."""
        return self.simulate is not None and self.simulate.flipped is not None

    def _check(self) -> None:
        reader, names = self.reader, [address.rpartition("/")[2] for address in self.url or []]
        if self.origin not in self.model_fields_set:
            raise ValueError(f"{PLACE}.origin is '{self.origin}', but the section has no key of that name.")
        for other in ANY_SURVEY:
            if other in self.model_fields_set and other != reader:
                raise ValueError(f"{PLACE}.{other} is set, but {PLACE}.reader is '{reader}'.")
        if reader in ("table", "folder") and self.origin == "simulate":
            raise ValueError(
                f"{PLACE}.origin is 'simulate', but the simulator writes packets and the formats of the "
                f"published surveys, and the reader is '{reader}'; set origin to 'path'."
            )
        if reader == "table" and self.table is None:
            raise ValueError(
                f"{PLACE}.reader is 'table', but the section has no key `table` that names its stamps."
            )
        if self.flipped and reader != "des":
            raise ValueError(
                f"{PLACE}.simulate.flipped: wrong labels can be planted only in archives of reader 'des', "
                f"but {PLACE}.reader is '{reader}'; remove the key."
            )
        if self.simulate is not None and self.simulate.hdus and reader != "atlas":
            raise ValueError(
                f"{PLACE}.simulate.hdus: only archives of reader 'atlas' can be of pickled HDUs, but "
                f"{PLACE}.reader is '{reader}'; remove the key."
            )
        for name in sorted(set(self.sha256 or {}) - set(names)):
            raise ValueError(
                f"{PLACE}.sha256 names '{name}', which is not a file of its url: "
                f"{', '.join(names) or 'there is none'}."
            )


def reader_options(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """Options of a survey's reader: its section's key of the reader's name."""
    options: Mapping[str, Any] = section.get(section["reader"], {})
    return options


def tolerated_share(section: Mapping[str, Any]) -> float:
    """Share of the archive's candidates that may be unusable."""
    share: float = section.get("tolerated", TOLERATED)
    return share


def label_files(section: Mapping[str, Any]) -> list[str]:
    """File of the labels that a survey's archive does not hold, in a list; empty where there is none."""
    labels = reader_options(section).get("labels")
    return [labels] if labels else []


def schema_files(section: Mapping[str, Any]) -> list[Path]:
    """Schemas that a survey's packets come without: the files of the folder that is named, if any, sorted."""
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
