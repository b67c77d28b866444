"""What the surveys call things in their packets. A new dialect is one entry of `DIALECTS`.

A dialect is recognised by its fields, whatever the file, the schema's name and its version are: brokers
rename all of these.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stampshift.alerts.packet import MISSING_CUTOUT, UNREADABLE_CUTOUT, Alert, Images
from stampshift.core.errors import ArchiveError
from stampshift.formats.fits import read_image
from stampshift.stamps.differencing import template_of
from stampshift.stamps.preprocessing import InvalidPixels

STAMP_DATA = "stampData"  # where a cutout is a record, the field that holds its FITS
NO_SCORE = float("nan")


@dataclass(frozen=True)
class Dialect:
    """The fields of a survey's packets; a path such as ``candidate.drb`` leads into a nested record.

    Attributes
    ----------
    marks
        Paths that together no other dialect has.
    identifiers, groups
        Paths of the detection's and the object's identifier: the first that holds a value counts.
    scores
        Paths of the survey's score and of its model's version; the first score that is there, with a version
        that is not empty, counts.
    template, science, difference
        Fields of the cutouts, FITS bytes or a record with such `stampData`; the image is HDU 0, gzipped or
        not. Without a template (None) it is science - difference.
    invalid
        The survey's marks of invalid pixels.
    """

    marks: tuple[str, ...]
    identifiers: tuple[str, ...]
    groups: tuple[str, ...]
    scores: tuple[tuple[str, str], ...]
    template: str | None
    science: str
    difference: str
    invalid: InvalidPixels

    @property
    def cutouts(self) -> tuple[str, ...]:
        """Fields of the cutouts that the packets have."""
        return tuple(name for name in (self.template, self.science, self.difference) if name)

    @property
    def paths(self) -> Iterator[str]:
        """All that is read of a packet."""
        yield from (*self.identifiers, *self.groups)
        yield from (path for score in self.scores for path in score if path)
        yield from (f"{name}.{STAMP_DATA}" for name in self.cutouts)


DIALECTS: dict[str, Dialect] = {
    # Masci et al. 2019, PASP 131, 018003; schemas 1 to 4
    "ZTF": Dialect(
        marks=("candidate.rcid", "candidate.rb", "cutoutTemplate"),
        identifiers=("candid", "candidate.candid"),
        groups=("objectId",),
        scores=(("candidate.drb", "candidate.drbversion"), ("candidate.rb", "candidate.rbversion")),
        template="cutoutTemplate",
        science="cutoutScience",
        difference="cutoutDifference",
        invalid=InvalidPixels(magnitude_above=1e30),  # float32's lowest number marks a missing pixel
    ),
    # lsst.alert.packet, schemas 7 to 11: the wording of the outer identifier changes, diaSource's does not
    "Rubin": Dialect(
        marks=("diaSource.diaSourceId", "cutoutTemplate"),
        identifiers=("diaSource.diaSourceId", "diaSourceId", "alertId"),
        groups=("diaSource.diaObjectId",),
        scores=(("diaSource.reliability", ""),),
        template="cutoutTemplate",
        science="cutoutScience",
        difference="cutoutDifference",
        invalid=InvalidPixels(),
    ),
    # Tonry et al. 2018, PASP 130, 064505; `candidate.rb` is a placeholder, 0 in every packet
    "ATLAS": Dialect(
        marks=("candidate.ChiN", "candidate.Psc", "cutoutDifference"),
        identifiers=("candid",),
        groups=("objectId",),
        scores=(),
        template=None,
        science="cutoutScience",
        difference="cutoutDifference",
        invalid=InvalidPixels(equals=-31415.0),
    ),
    # Palomar Gattini-IR, De et al. 2020, PASP 132, 025001
    "PGIR": Dialect(
        marks=("candidate.stackquadid", "cutoutTemplate"),
        identifiers=("candid",),
        groups=("objectId",),
        scores=(("candidate.drb", "candidate.drbversion"),),
        template="cutoutTemplate",
        science="cutoutScience",
        difference="cutoutDifference",
        invalid=InvalidPixels(),
    ),
}


def recognised(paths: Collection[str]) -> str | None:
    """Name of the dialect of packets with these fields, nested ones as dotted paths; None if it is none."""
    for name, dialect in DIALECTS.items():
        if all(path in paths for path in dialect.marks):
            return name
    return None


def alert_of(record: Mapping[str, Any], *, survey: str, place: str) -> Alert:
    """An alert from the fields of its packet.

    Parameters
    ----------
    record
        The packet's fields, of which those of the dialect count.
    survey
        Key of `DIALECTS`.
    place
        File, and record or member.

    Returns
    -------
    Alert
        With the problem "missing cutout" or "unreadable cutout" where an image is not there or no image.
    """
    dialect = DIALECTS[survey]
    identifier, group = _text(record, dialect.identifiers), _text(record, dialect.groups)
    images, problem, detail = None, "", ""
    cells = {name: _content(record.get(name)) for name in dialect.cutouts}
    missing = [name for name, content in cells.items() if not content]
    if missing:
        problem = MISSING_CUTOUT
        detail = f"{place}: expected FITS bytes in {' and '.join(missing)}, found none."
    else:
        try:
            images = _images({name: cells[name] or b"" for name in cells}, dialect, place)
        except ArchiveError as error:
            problem, detail = UNREADABLE_CUTOUT, str(error)
    return Alert(place, survey, identifier, group, images, problem, detail, _score(record, dialect.scores))


def _images(cells: Mapping[str, bytes], dialect: Dialect, place: str) -> Images:
    images = {name: read_image(content, place=f"{place}, {name}") for name, content in cells.items()}
    science, difference = images[dialect.science], images[dialect.difference]
    if dialect.template is None:
        return template_of(science, difference, invalid=dialect.invalid), science, difference
    return images[dialect.template], science, difference


def _content(cell: Any) -> bytes | None:
    content: bytes | None = cell.get(STAMP_DATA) if isinstance(cell, Mapping) else cell
    return content


def _value(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(record: Mapping[str, Any], paths: tuple[str, ...]) -> str:
    values = (_value(record, path) for path in paths)
    return next((str(value) for value in values if value), "")  # Rubin: object 0 is none, a moving one


def _score(record: Mapping[str, Any], paths: tuple[tuple[str, str], ...]) -> float:
    for path, version in paths:
        value = _value(record, path)
        # brokers fill in 0 where a packet is older than the model, and no version
        if value is not None and not (version and _value(record, version) == ""):
            return float(value)
    return NO_SCORE
