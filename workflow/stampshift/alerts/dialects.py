"""What a packet becomes, and what the surveys call things in it. A new dialect is one entry of `DIALECTS`.

A dialect is recognised by its fields, whatever the file, the schema's name and its version are: brokers
rename all of these.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from stampshift.alerts.metadata_fields import FIELDS, Field, metadata_of_packet
from stampshift.core.errors import ArchiveError
from stampshift.formats.cells import EXACT, MOST_CHARACTERS
from stampshift.formats.fits import image_of
from stampshift.stamps.metadata import NO_METADATA, Metadata
from stampshift.stamps.raw_triplets import InvalidPixels, Triplet, object_of, triplet_of

UNREADABLE_PACKET = "unreadable packet"
MISSING_CUTOUT = "missing cutout"
UNREADABLE_CUTOUT = "unreadable cutout"
UNKNOWN_SCHEMA = "unknown schema"
UNREADABLE_FILE = "unreadable file"  # the system did not give it; the data may be good
INEXACT_IDENTIFIER = "inexact identifier"
OFF_CENTRE = "off centre"
STAMP_DATA = "stampData"  # where a cutout is a record, the field that holds its FITS
CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")
NO_SCORE = float("nan")
ROUNDED = 2.0  # pixels by which a position and the size of a cutout may disagree


@dataclass(frozen=True)
class Alert:
    """One packet of any survey, with its images or with its problem."""

    place: str  # file, and record or member, for messages
    survey: str  # its dialect, a key of `DIALECTS`; "" if unknown
    identifier: str  # of the detection: `candid`, `diaSourceId`; "" if unknown
    group: str  # of the astronomical object: `objectId`, `diaObjectId`; "" where there is none
    # 2-D, ordered as `stamps.CHANNELS`, in the survey's units and with its marks of invalid pixels
    images: Triplet | None
    problem: str  # "", or why it has no images: one of the words above
    detail: str  # what was expected and found, for the log
    survey_score: float  # the survey's own real/bogus score, NaN where there is none; never used for training
    caution: str = ""  # "", or what is to be known of an alert that has images: "inexact identifier"
    metadata: Metadata = NO_METADATA  # for people, and for the scores file; never for training


def unread(place: str, detail: str, problem: str = UNREADABLE_PACKET) -> Alert:
    """An alert of which only its place and its problem are known."""
    return Alert(place, "", "", "", None, problem, detail, NO_SCORE)


class Detector(NamedTuple):
    """Where a packet says that its candidate is on the detector, and how large that is."""

    column: str  # paths; in pixels, the first being 1
    row: str
    columns: int
    rows: int
    cutout: int  # pixels of a side of a cutout that no edge cuts


def not_given(place: str, error: OSError) -> Alert:
    """An alert in place of a file that the system did not give: nothing says that it is damaged."""
    detail = f"{place}: cannot be read now ({error.strerror or error}). Run the command again."
    return unread(place, detail, UNREADABLE_FILE)


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
    metadata: Mapping[str, Field]  # by the names of `Metadata`
    detector: Detector | None = None  # None where a packet does not say where on it the candidate is

    @property
    def paths(self) -> list[str]:
        """All that is read of a packet."""
        read = [*self.identifiers, *self.groups, *(self.detector[:2] if self.detector else ())]
        read += [path for score in self.scores for path in score if path]
        read += [field.path for field in self.metadata.values()]
        return list(dict.fromkeys([*read, *(f"{name}.{STAMP_DATA}" for name in self.cutouts)]))


DIALECTS: dict[str, Dialect] = {
    # Masci et al. 2019, PASP 131, 018003; schemas 1 to 4
    "ZTF": Dialect(
        marks=("candidate.rcid", "candidate.rb"),
        identifiers=("candid", "candidate.candid"),
        groups=("objectId",),
        scores=(("candidate.drb", "candidate.drbversion"), ("candidate.rb", "candidate.rbversion")),
        cutouts=CUTOUTS,
        invalid=InvalidPixels(magnitude_above=1e30),  # float32's lowest number marks a missing pixel
        metadata=FIELDS["ZTF"],
        detector=Detector("candidate.xpos", "candidate.ypos", 3072, 3080, cutout=63),  # a readout quadrant
    ),
    # lsst.alert.packet, schemas 7 to 11: the wording of the outer identifier changes, diaSource's does not
    "Rubin": Dialect(
        marks=("diaSource.diaSourceId",),
        identifiers=("diaSource.diaSourceId", "diaSourceId", "alertId"),
        groups=("diaSource.diaObjectId",),
        scores=(("diaSource.reliability", ""),),
        cutouts=CUTOUTS,
        invalid=InvalidPixels(),
        metadata=FIELDS["Rubin"],
    ),
    # Tonry et al. 2018, PASP 130, 064505; `candidate.rb` is a placeholder, 0 in every packet
    "ATLAS": Dialect(
        marks=("candidate.ChiN", "candidate.Psc"),
        identifiers=("candid",),
        groups=("objectId",),
        scores=(),
        cutouts=CUTOUTS[1:],
        invalid=InvalidPixels(equals=-31415.0),
        metadata=FIELDS["ATLAS"],
    ),
    # Palomar Gattini-IR, De et al. 2020, PASP 132, 025001
    "PGIR": Dialect(
        marks=("candidate.stackquadid",),
        identifiers=("candid",),
        groups=("objectId",),
        scores=(("candidate.drb", "candidate.drbversion"),),
        cutouts=CUTOUTS,
        invalid=InvalidPixels(),
        metadata=FIELDS["PGIR"],
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
    group, score = object_of(_text(record, dialect.groups)[0]), _score(record, dialect.scores)
    identifier, caution = _text(record, dialect.identifiers)
    longest = max(len(identifier), len(group))
    known = partial(
        Alert,
        place,
        survey,
        identifier[:MOST_CHARACTERS],
        group[:MOST_CHARACTERS],
        survey_score=score,
        metadata=metadata_of_packet(dialect.metadata, partial(_value, record)),
    )
    if longest > MOST_CHARACTERS:
        detail = f"{place}: expected identifiers of at most {MOST_CHARACTERS} characters, found {longest:,}."
        return known(images=None, problem=UNREADABLE_PACKET, detail=detail)
    cells = {name: _content(record, name) for name in dialect.cutouts}
    missing = [name for name, content in cells.items() if content is None or len(content) == 0]
    if missing:
        detail = f"{place}: expected FITS bytes in {' and '.join(missing)}, found none."
        return known(images=None, problem=MISSING_CUTOUT, detail=detail)
    try:
        read = (image_of(cells[name], place=f"{place}, {name}") for name in cells)
        images = triplet_of(*read, invalid=dialect.invalid)
    except ArchiveError as error:
        return known(images=None, problem=UNREADABLE_CUTOUT, detail=str(error))
    whole = _whole(images, record, dialect)
    if whole is None:
        found = " x ".join(map(str, images[1].shape))
        detail = (
            f"{place}: expected a cutout with the candidate at its centre, found {found} pixels that the "
            "detector's edge cuts, but not by what is missing: the candidate may be anywhere."
        )
        return known(images=None, problem=OFF_CENTRE, detail=detail)
    if caution:
        detail = (
            f"{place}: expected a whole number in {caution}, found a double, which is not exact beyond 2^53. "
            f"Store {caution} as a 64-bit integer or as text."
        )
        return known(images=whole, problem="", detail=detail, caution=INEXACT_IDENTIFIER)
    return known(images=whole, problem="", detail="")


def _whole(images: Triplet, record: Mapping[str, Any], dialect: Dialect) -> Triplet | None:
    """Images that the detector's edge cuts short, filled with NaN until the candidate is at their centre.

    What fits around the candidate's position was not cut by an edge, however small it is, and stays. None
    where an edge cuts, but not by as much as is missing.
    """
    detector, shape = dialect.detector, images[0].shape
    if detector is None or max(shape) > detector.cutout or len({image.shape for image in images}) > 1:
        return images
    padding = []
    for size, path, length in zip(
        shape, (detector.row, detector.column), (detector.rows, detector.columns), strict=True
    ):
        place, missing = _value(record, path), detector.cutout - size
        if place is None or missing == 0 or size // 2 <= min(place - 1, length - place):
            padding.append((0, 0))
            continue
        left = detector.cutout // 2 - missing  # pixels between the candidate and the edge
        if abs(place - 1 - left) <= ROUNDED:
            padding.append((missing, 0))
        elif abs(length - place - left) <= ROUNDED:
            padding.append((0, missing))
        else:
            return None
    template, science, difference = (np.pad(image, padding, constant_values=np.nan) for image in images)
    return template, science, difference


def _content(record: Mapping[str, Any], name: str) -> Any:
    """What a packet has as a cutout: FITS bytes, or an array, or text that stands for them."""
    cell = record.get(name)
    if cell is None:
        cell = record.get(f"{name}.{STAMP_DATA}")  # of a table with flattened columns
    return cell.get(STAMP_DATA) if isinstance(cell, Mapping) else cell


def _value(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    if path in record:  # of a table with flattened columns
        return record[path]
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(record: Mapping[str, Any], paths: tuple[str, ...]) -> tuple[str, str]:
    """The first identifier of a packet, as text; and the path of one that may have lost its last digits."""
    for path in paths:
        value = _value(record, path)
        if not value or value != value:  # Rubin: object 0 is none, a moving one
            continue
        if isinstance(value, float):
            if abs(value) >= EXACT:
                return "", path
            value = int(value) if value.is_integer() else value
        return str(value), ""
    return "", ""


def _score(record: Mapping[str, Any], paths: tuple[tuple[str, str], ...]) -> float:
    for path, version in paths:
        value = _value(record, path)
        # brokers fill in 0 where a packet is older than the model, and no version
        if value is not None and not (version and _value(record, version) == ""):
            return float(value)
    return NO_SCORE
