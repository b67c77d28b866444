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
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError, system_fault, unreadable_now
from stampshift.formats.archives import find, in_units, listing, tar_members
from stampshift.formats.fits import read_image
from stampshift.stamps.metadata import Metadata, metadata_of
from stampshift.stamps.raw_triplets import RawTriplet, Unusable
from stampshift.surveys.reader import MISSING_IMAGE, MISSING_LABEL, UNREADABLE_IMAGE, wrong_label

SURVEY = "DES"
KINDS = ("temp", "srch", "diff")  # in the order of stamps.CHANNELS
CLASSES = {0: "real", 1: "artifact"}
UNIT_TRIPLETS = 256  # 11 MB of FITS
METADATA = {"MAG": "magnitude", "SNR": "snr", "BAND": "band", "CCDID": "ccd"}  # columns, and what they say
# of a FITS: its candidate, the index of its kind, and where it is: index of the tar, offset and size
HEADER = np.dtype([("identifier", "i8"), ("kind", "u1"), ("tar", "u1"), ("offset", "i8"), ("size", "u4")])
TAR = re.compile(r".*\.tar")
TABLE = re.compile(r"(relabeled_)?autoscan_features.*\.csv")
TEXTS = ("BAND", "cause")  # columns of text; the second is that of planted flips
STAMP = re.compile(r"(temp|srch|diff)(\d+)\.fits")
REMEDY = (
    "Put stamps_0.tar ... stamps_10.tar and autoscan_features.3.csv there, or give their path in the config."
)


class Candidate(NamedTuple):
    """Where a candidate's FITS files are, in the order of `KINDS`: tar, offset and size in bytes."""

    identifier: int
    survey_class: str
    stamps: tuple[tuple[str, int, int], ...]
    metadata: Metadata


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


def units(paths: Sequence[Path]) -> Iterator[list[Candidate | Unusable]]:
    """At most 256 candidates at a time: where their FITS are, which the process that decodes them reads.

    Those of which a stamp is not there once come last.
    """
    table, *tars = files(paths)
    stamps = np.fromiter(_headers(tars), HEADER)
    if len(stamps) == 0:
        raise ArchiveError(
            f"{SURVEY} archive {listing(tars)}: expected members diff<ID>.fits, srch<ID>.fits and "
            f"temp<ID>.fits, found none. {REMEDY}"
        )
    whole, broken = _joined(stamps)
    first = whole[np.arange(len(whole)), whole["offset"].argmin(axis=1)]
    whole = whole[np.lexsort((first["offset"], first["tar"]))]
    labelled = _labelled(whole, table, [str(tar) for tar in tars])
    yield from in_units(chain(labelled, _broken(broken, tars)), size=UNIT_TRIPLETS)


def decode(unit: list[Candidate | Unusable]) -> Iterator[RawTriplet | Unusable]:
    """Triplets of one unit, 51 x 51 pixels; the identifier is the table's ID."""
    places = (each.stamps for each in unit if isinstance(each, Candidate))
    contents = _contents(chain.from_iterable(places))
    for candidate in unit:
        if isinstance(candidate, Unusable):
            yield candidate
            continue
        identifier = str(candidate.identifier)
        try:
            template, science, difference = (
                read_image(
                    contents[stamp], place=f"{SURVEY} archive {stamp[0]}, member {kind}{identifier}.fits"
                )
                for kind, stamp in zip(KINDS, candidate.stamps, strict=True)
            )
        except ArchiveError as error:
            yield Unusable(UNREADABLE_IMAGE, identifier, str(error))
        else:
            images = template, science, difference
            yield RawTriplet(images, candidate.survey_class, identifier, "", candidate.metadata)


def _headers(tars: Sequence[Path]) -> Iterator[tuple[int, ...]]:
    """`HEADER` of every FITS."""
    for number, tar in enumerate(tars):
        for member in tar_members(tar, STAMP, archive=SURVEY, contents=False):
            stem = member.name.rpartition("/")[2].removesuffix(".fits")
            yield int(stem[4:]), KINDS.index(stem[:4]), number, member.offset, member.size


def _joined(stamps: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bring together the three stamps of each candidate: (candidates, 3), in the order of `KINDS`.

    The stamps of candidates of which one is missing or repeated come apart, in the order of identifiers.
    """
    stamps = stamps[np.lexsort((stamps["kind"], stamps["identifier"]))]
    _, first, counts = np.unique(stamps["identifier"], return_index=True, return_counts=True)
    triples = np.add.outer(first, np.arange(3)).clip(max=len(stamps) - 1)
    whole = (counts == 3) & (stamps["kind"][triples] == np.arange(3)).all(axis=1)
    return stamps[triples[whole]], stamps[np.repeat(~whole, counts)]


def _broken(stamps: NDArray[Any], tars: Sequence[Path]) -> Iterator[Unusable]:
    """Candidates without just one stamp of each kind."""
    for identifier, rows in groupby(stamps, key=itemgetter("identifier")):
        found = [(KINDS[row["kind"]], tars[row["tar"]]) for row in rows]
        names = ", ".join(f"{kind}{identifier}.fits in {tar.name}" for kind, tar in found)
        detail = f"expected temp, srch and diff of candidate {identifier} once each, found {names}."
        yield Unusable(MISSING_IMAGE, str(identifier), f"{SURVEY} archive {found[0][1]}: {detail}")


def _labelled(stamps: NDArray[Any], table: Path, tars: Sequence[str]) -> Iterator[Candidate | Unusable]:
    """Candidates, in the order of their (candidates, 3) stamps, with the class that the table gives them."""
    labels = _read(table, ["OBJECT_TYPE"], remedy="Download the table again.")
    identifiers = pd.Index(stamps["identifier"][:, 0])
    times = pd.Index(labels["ID"]).value_counts().reindex(identifiers, fill_value=0).to_numpy()
    said = _metadata(table, identifiers)
    codes = labels.drop_duplicates("ID").set_index("ID")["OBJECT_TYPE"].reindex(identifiers).to_numpy()
    for three, code, count, metadata in zip(stamps, codes.tolist(), times.tolist(), said, strict=True):
        identifier, name = int(three["identifier"][0]), CLASSES.get(code)
        if name is not None and count == 1:
            places = tuple((tars[tar], *place) for _, _, tar, *place in three.tolist())
            yield Candidate(identifier, name, places, metadata)
            continue
        reason = wrong_label(code, CLASSES) if count == 1 else MISSING_LABEL
        found = f"{count} times" if count != 1 else "none" if code != code else f"{code:g}"
        expected = f"expected one OBJECT_TYPE of candidate {identifier}, 0 (real) or 1 (artifact)"
        yield Unusable(reason, str(identifier), f"{SURVEY} archive {table}: {expected}, found {found}.")


def _metadata(table: Path, identifiers: pd.Index) -> Iterator[Metadata]:
    """What the table says of candidates beside their features, as far as it does: no stamp depends on it."""
    cells = pd.read_csv(
        table, comment="#", skipinitialspace=True, usecols=lambda name: name in ("ID", *METADATA), dtype=str
    )
    cells.index = pd.Index(pd.to_numeric(cells.pop("ID")))
    cells = cells[~cells.index.duplicated()].reindex(identifiers)
    columns = [cells[name].tolist() if name in cells else [None] * len(cells) for name in METADATA]
    for values in zip(*columns, strict=True):
        yield metadata_of(dict(zip(METADATA.values(), values, strict=True)))


def read_autoscan(
    table: Path, columns: Sequence[str], *, remedy: str, perhaps: Sequence[str] = ()
) -> pd.DataFrame:
    """ID (int64) and columns of DES' table or its relabelled form; float64 except `TEXTS`, NaN for a gap.

    Columns that are `perhaps` there are returned if they are. Raises an `ArchiveError` if a column is missing
    or holds text, or OBJECT_TYPE, old or new, is neither 0 nor 1.
    """
    values = _read(table, columns, remedy=remedy, perhaps=perhaps)
    for name in (column for column in columns if column.endswith("OBJECT_TYPE")):
        strange = values[~values[name].isin(list(CLASSES))]
        if len(strange):
            raise ArchiveError(
                f"{SURVEY} archive {table}: expected 0 (real) or 1 (artifact) in {name}, found "
                f"{strange[name].iloc[0]:g} for ID {strange['ID'].iloc[0]}. {remedy}"
            )
    return values


def _read(table: Path, columns: Sequence[str], *, remedy: str, perhaps: Sequence[str] = ()) -> pd.DataFrame:
    place = f"{SURVEY} archive {table}"
    form: dict[str, Any] = {"comment": "#", "skipinitialspace": True}
    try:
        found = pd.read_csv(table, nrows=0, **form).columns if perhaps else []
        names = [*columns, *(name for name in perhaps if name in found)]
        dtypes = {"ID": np.int64} | {name: np.str_ if name in TEXTS else np.float64 for name in names}
        return pd.read_csv(table, usecols=list(dtypes), dtype=dtypes, **form)
    except (ValueError, OSError) as error:
        if system_fault(error):
            raise ArchiveError(unreadable_now(place, error)) from error
        listed = " and ".join(columns) if len(columns) < 3 else f"the {len(columns)} columns of features"
        raise ArchiveError(
            f"{place}: expected a CSV table with numbers in ID and {listed}, but it cannot be read as one "
            f"({error}). {remedy}"
        ) from error


def _contents(stamps: Iterable[tuple[str, int, int]]) -> dict[tuple[str, int, int], bytes]:
    """Read pieces of tars, in their order there."""
    contents = {}
    for tar, pieces in groupby(sorted(stamps), key=itemgetter(0)):
        with Path(tar).open("rb") as stream:
            for piece in pieces:
                stream.seek(piece[1])
                contents[piece] = stream.read(piece[2])
    return contents
