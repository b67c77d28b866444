"""DES autoscan: FITS stamps in eleven tars, labels in a table (Goldstein et al. 2015).

`stamps_<n>.tar` hold `.../{diff,srch,temp}<ID>.{fits,gif}`; the GIFs have corner marks burned in and are
not used. `autoscan_features.3.csv`, or the relabelled table, gives OBJECT_TYPE of each ID: **0 is real and
1 is an artifact**, the inverse of every other survey.

The three stamps of an ID may be far apart. A first pass over the headers of the tars notes where each FITS
is, in 22 bytes per FITS: 60 MB for the 2.7 million of the whole archive, 160 MB while they are sorted. The
triplets follow in the order of their first stamp. The process that decodes 256 of them reads their FITS,
11 MB, in the order of the tars: no pixel passes through the process that hands out the work.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError, system_fault, unreadable_now
from stampshift.formats.archives import find, listing, tar_members
from stampshift.formats.fits import read_image
from stampshift.stamps.identifiers import rows_of
from stampshift.stamps.raw_triplets import RawTriplet

SURVEY = "DES"
KINDS = ("temp", "srch", "diff")  # in the order of stamps.CHANNELS
CLASSES = {0: "real", 1: "artifact"}
UNIT_TRIPLETS = 256  # 11 MB of FITS
# of a FITS: its candidate, the index of its kind, and where it is: index of the tar, offset and size
HEADER = np.dtype([("identifier", "i8"), ("kind", "u1"), ("tar", "u1"), ("offset", "i8"), ("size", "u4")])
TAR = re.compile(r".*\.tar")
TABLE = re.compile(r"(relabeled_)?autoscan_features.*\.csv")
STAMP = re.compile(r"(temp|srch|diff)(\d+)\.fits")
REMEDY = (
    "Put stamps_0.tar ... stamps_10.tar and autoscan_features.3.csv there, or give their path in the config."
)


class Candidate(NamedTuple):
    """Where a candidate's FITS files are, in the order of `KINDS`: tar, offset and size in bytes."""

    identifier: int
    survey_class: str
    stamps: tuple[tuple[str, int, int], ...]


def files(paths: Sequence[Path]) -> list[Path]:
    """The table of labels and then the tars of stamps."""
    tables = find(paths, TABLE, archive=SURVEY, remedy=REMEDY)
    tars = find(paths, TAR, archive=SURVEY, remedy=REMEDY)
    if len(tables) != 1 or not tars:
        raise ArchiveError(
            f"{SURVEY} archive: expected one table (autoscan_features.3.csv) and at least one stamps_<n>.tar "
            f"in {listing(paths)}, found {len(tables)} and {len(tars)}. {REMEDY}"
        )
    return [*tables, *tars]


def units(paths: Sequence[Path]) -> Iterator[list[Candidate]]:
    """At most 256 candidates at a time: where their FITS are, which the process that decodes them reads."""
    table, *tars = files(paths)
    stamps = _joined(np.fromiter(_headers(tars), HEADER), tars)
    first = stamps[np.arange(len(stamps)), stamps["offset"].argmin(axis=1)]
    stamps = stamps[np.lexsort((first["offset"], first["tar"]))]
    classes = _classes(table, stamps["identifier"][:, 0])
    names = [str(tar) for tar in tars]
    for start in range(0, len(stamps), UNIT_TRIPLETS):
        rows = slice(start, start + UNIT_TRIPLETS)
        yield [
            Candidate(three[0][0], name, tuple((names[tar], *place) for _, _, tar, *place in three))
            for three, name in zip(stamps[rows].tolist(), classes[rows], strict=True)
        ]


def decode(unit: list[Candidate]) -> Iterator[RawTriplet]:
    """Triplets of one unit, 51 x 51 pixels; the identifier is the table's ID."""
    contents = _contents(stamp for candidate in unit for stamp in candidate.stamps)
    for candidate in unit:
        name = f"{candidate.identifier}.fits"
        template, science, difference = (
            read_image(contents[stamp], place=f"{SURVEY} archive {stamp[0]}, member {kind}{name}")
            for kind, stamp in zip(KINDS, candidate.stamps, strict=True)
        )
        images = (template, science, difference)
        yield RawTriplet(images, candidate.survey_class, str(candidate.identifier), "")


def _headers(tars: Sequence[Path]) -> Iterator[tuple[int, ...]]:
    """`HEADER` of every FITS."""
    for number, tar in enumerate(tars):
        for member in tar_members(tar, STAMP, archive=SURVEY, contents=False):
            stem = member.name.rpartition("/")[2].removesuffix(".fits")
            yield int(stem[4:]), KINDS.index(stem[:4]), number, member.offset, member.size


def _joined(stamps: NDArray[Any], tars: Sequence[Path]) -> NDArray[Any]:
    """Bring together the three stamps of each candidate: (candidates, 3), in the order of `KINDS`."""
    if len(stamps) == 0:
        raise ArchiveError(
            f"{SURVEY} archive {listing(tars)}: expected members diff<ID>.fits, srch<ID>.fits and "
            f"temp<ID>.fits, found none. {REMEDY}"
        )
    stamps = stamps[np.lexsort((stamps["kind"], stamps["identifier"]))]
    _, first, counts = np.unique(stamps["identifier"], return_index=True, return_counts=True)
    triples = np.add.outer(first, np.arange(3)).clip(max=len(stamps) - 1)
    whole = (counts == 3) & (stamps["kind"][triples] == np.arange(3)).all(axis=1)
    if not whole.all():
        broken = int(np.argmin(whole))
        rows = stamps[first[broken] : first[broken] + counts[broken]]
        found = (f"{KINDS[row['kind']]}{row['identifier']}.fits in {tars[row['tar']].name}" for row in rows)
        raise ArchiveError(
            f"{SURVEY} archive {tars[rows[0]['tar']]}: expected temp, srch and diff of candidate "
            f"{rows[0]['identifier']} once each, found {', '.join(found)}. Download the tars again."
        )
    return stamps.reshape(-1, 3)


def _classes(table: Path, identifiers: NDArray[np.int64]) -> list[str]:
    """Class of each candidate by the table of labels."""
    labels = read_autoscan(table, ["OBJECT_TYPE"], remedy="Download the table again.")
    rows = rows_of(
        identifiers,
        among=labels["ID"],
        source=f"{SURVEY} archive {table}: the table",
        remedy="Use the table that belongs to the tars.",
        error=ArchiveError,
    )
    return [CLASSES[code] for code in labels["OBJECT_TYPE"].to_numpy()[rows].tolist()]


def read_autoscan(table: Path, columns: Sequence[str], *, remedy: str) -> pd.DataFrame:
    """ID (int64) and columns of DES' table or its relabelled form; float64 except BAND, NaN for a gap.

    Raises an `ArchiveError` if a column is missing or holds text, or OBJECT_TYPE, old or new, is neither 0
    nor 1.
    """
    place = f"{SURVEY} archive {table}"
    dtypes = {"ID": np.int64} | {name: np.str_ if name == "BAND" else np.float64 for name in columns}
    try:
        values = pd.read_csv(table, comment="#", skipinitialspace=True, usecols=list(dtypes), dtype=dtypes)
    except (ValueError, OSError) as error:
        if system_fault(error):
            raise ArchiveError(unreadable_now(place, error)) from error
        listed = " and ".join(columns) if len(columns) < 3 else f"the {len(columns)} columns of features"
        raise ArchiveError(
            f"{place}: expected a CSV table with numbers in ID and {listed}, but it cannot be read as one "
            f"({error}). {remedy}"
        ) from error
    for name in (column for column in columns if column.endswith("OBJECT_TYPE")):
        strange = values[~values[name].isin(list(CLASSES))]
        if len(strange):
            raise ArchiveError(
                f"{place}: expected 0 (real) or 1 (artifact) in {name}, found {strange[name].iloc[0]:g} for "
                f"ID {strange['ID'].iloc[0]}. {remedy}"
            )
    return values


def _contents(stamps: Iterable[tuple[str, int, int]]) -> dict[tuple[str, int, int], bytes]:
    """Read pieces of tars, in their order there."""
    contents = {}
    for tar, pieces in groupby(sorted(stamps), key=itemgetter(0)):
        with Path(tar).open("rb") as stream:
            for piece in pieces:
                stream.seek(piece[1])
                contents[piece] = stream.read(piece[2])
    return contents
