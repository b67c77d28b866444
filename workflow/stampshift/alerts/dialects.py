"""What a packet becomes, and what the surveys call things in it. A new dialect is one entry of `DIALECTS`.

A dialect is recognised by its fields, whatever the file, the schema's name and its version are: brokers
rename all of these.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stampshift.core.errors import ArchiveError
from stampshift.formats.fits import read_image
from stampshift.stamps.raw_triplets import InvalidPixels, Triplet, object_of, triplet_of

UNREADABLE_PACKET = "unreadable packet"
MISSING_CUTOUT = "missing cutout"
UNREADABLE_CUTOUT = "unreadable cutout"
UNKNOWN_SCHEMA = "unknown schema"
STAMP_DATA = "stampData"  # where a cutout is a record, the field that holds its FITS
CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")
NO_SCORE = float("nan")


@dataclass(frozen=True)
class Alert:
    """One packet of any survey, with its images or with its problem."""

    place: str  # file, and record or member, for messages
    survey: str  # its dialect, a key of `DIALECTS`; "" if unknown
    identifier: str  # of the detection: `candid`, `diaSourceId`; "" if unknown
    group: str  # of the astronomical object: `objectId`, `diaObjectId`; "" where there is none
    # 2-D, ordered as `stamps.CHANNELS`, in the survey's units and with its marks of invalid pixels
    images: Triplet | None
    problem: str  # "", or "unreadable packet", "missing cutout", "unreadable cutout", "unknown schema"
    detail: str  # what was expected and found, for the log
    survey_score: float  # the survey's own real/bogus score, NaN where there is none; never used for training


def unread(place: str, detail: str, problem: str = UNREADABLE_PACKET) -> Alert:
    """An alert of which only its place and its problem are known."""
    return Alert(place, "", "", "", None, problem, detail, NO_SCORE)


@dataclass(frozen=True)
class Dialect:
    """The fields of a survey's packets; a path such as ``candidate.drb`` leads into a nested record."""

    marks: tuple[str, ...]  # paths that together no other dialect has
    # paths of the detection's and the object's identifier: the first that holds a value counts
    identifiers: tuple[str, ...]
    groups: tuple[str, ...]
    # paths of the survey's score and its model's version: the first with a score and no empty version counts
    scores: tuple[tuple[str, str], ...]
    # fields of the (template,) science and difference: FITS bytes, gzipped or not, with the image in HDU 0,
    # or a record with such `stampData`; where packets hold no template, it is science - difference
    cutouts: tuple[str, ...]
    invalid: InvalidPixels

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
        cutouts=CUTOUTS,
        invalid=InvalidPixels(magnitude_above=1e30),  # float32's lowest number marks a missing pixel
    ),
    # lsst.alert.packet, schemas 7 to 11: the wording of the outer identifier changes, diaSource's does not
    "Rubin": Dialect(
        marks=("diaSource.diaSourceId", "cutoutTemplate"),
        identifiers=("diaSource.diaSourceId", "diaSourceId", "alertId"),
        groups=("diaSource.diaObjectId",),
        scores=(("diaSource.reliability", ""),),
        cutouts=CUTOUTS,
        invalid=InvalidPixels(),
    ),
    # Tonry et al. 2018, PASP 130, 064505; `candidate.rb` is a placeholder, 0 in every packet
    "ATLAS": Dialect(
        marks=("candidate.ChiN", "candidate.Psc", "cutoutDifference"),
        identifiers=("candid",),
        groups=("objectId",),
        scores=(),
        cutouts=CUTOUTS[1:],
        invalid=InvalidPixels(equals=-31415.0),
    ),
    # Palomar Gattini-IR, De et al. 2020, PASP 132, 025001
    "PGIR": Dialect(
        marks=("candidate.stackquadid", "cutoutTemplate"),
        identifiers=("candid",),
        groups=("objectId",),
        scores=(("candidate.drb", "candidate.drbversion"),),
        cutouts=CUTOUTS,
        invalid=InvalidPixels(),
    ),
}


def recognised(paths: Collection[str]) -> str | None:
    """Name of the dialect of packets with these fields, nested ones as dotted paths; None if it is none."""
    return next((name for name, dialect in DIALECTS.items() if set(dialect.marks) <= set(paths)), None)


def alert_of(record: Mapping[str, Any], *, survey: str, place: str) -> Alert:
    """An alert from the fields of its packet, of which those of the survey's dialect count.

    Its problem is "missing cutout" or "unreadable cutout" where an image is not there or no image.
    """
    dialect = DIALECTS[survey]
    identifier, group = _text(record, dialect.identifiers), object_of(_text(record, dialect.groups))
    images, problem, detail = None, "", ""
    cells: dict[str, Any] = {
        name: cell.get(STAMP_DATA) if isinstance(cell := record.get(name), Mapping) else cell
        for name in dialect.cutouts
    }
    missing = [name for name, content in cells.items() if not content]
    if missing:
        problem = MISSING_CUTOUT
        detail = f"{place}: expected FITS bytes in {' and '.join(missing)}, found none."
    else:
        try:
            read = (read_image(cells[name], place=f"{place}, {name}") for name in cells)
            images = triplet_of(*read, invalid=dialect.invalid)
        except ArchiveError as error:
            problem, detail = UNREADABLE_CUTOUT, str(error)
    return Alert(place, survey, identifier, group, images, problem, detail, _score(record, dialect.scores))


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
