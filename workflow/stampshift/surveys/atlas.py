"""ATLAS: science and difference stamps of seven classes (Rabeendran & Denneau 2021).

Either one pickle of records with `science`, `difference` (arrays or FITS bytes, gzipped or not), `label`
(or `class`) and perhaps `id`, as a list, a dictionary of records, a dictionary of columns or a pandas
frame; or folders `<class>/<id>_{sci,diff}.fits[.gz]`. There is no template: it is science - difference.
A pixel masked in either image is NaN in the template.

A pickle is held in memory once (110 MB for the 3,678 candidates); folders are read 256 candidates at a time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import find, in_units, listing
from stampshift.formats.inflating import read_file
from stampshift.formats.unpickling import PICKLE, unpickle_file
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.reader import StoredCandidate, decode_stored

SURVEY = "ATLAS"
CLASSES = ("burn", "cr", "kast", "noise", "scar", "spike", "streak")
MARKS = InvalidPixels(equals=-31415.0)
UNIT_CANDIDATES = 256
IMAGES = ("science", "difference")
COLUMNS = ("id", "class", "label", *IMAGES)
STAMP = re.compile(r"(?P<id>.+)_(?P<kind>sci|diff)\.fits(\.gz)?")
REMEDY = (
    "Put the pickle, or folders <class>/<id>_{sci,diff}.fits[.gz], there, or give its path in the config; "
    "no public address of it is known."
)


def files(paths: Sequence[Path]) -> list[Path]:
    """The pickle, or else the FITS files of the class folders."""
    pickles = find(paths, PICKLE, archive=SURVEY, remedy=REMEDY)
    stamps = find(paths, STAMP, archive=SURVEY, remedy=REMEDY)
    if len(pickles) + bool(stamps) != 1:
        raise ArchiveError(
            f"{SURVEY} archive: expected one pickle (*.pkl) or folders <class>/ of FITS files in "
            f"{listing(paths)}, found {len(pickles)} pickles and {len(stamps)} FITS files. {REMEDY}"
        )
    return pickles or stamps


def units(paths: Sequence[Path]) -> Iterator[list[StoredCandidate]]:
    """At most 256 candidates at a time, their images as stored."""
    found = files(paths)
    candidates = _from_pickle(found[0]) if PICKLE.fullmatch(found[0].name) else _from_folders(found)
    for unit in in_units(candidates, size=UNIT_CANDIDATES):
        for candidate in unit:
            if candidate.survey_class not in CLASSES:
                raise ArchiveError(
                    f"{candidate.place}: expected one of the classes {', '.join(CLASSES)}, found "
                    f"{candidate.survey_class!r}. Rename or remove it."
                )
        yield unit


# triplets of one unit, 61 x 61 pixels, in raw counts with the sky
decode = partial(decode_stored, invalid=MARKS)


def _from_folders(stamps: Iterable[Path]) -> Iterator[StoredCandidate]:
    pairs: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in stamps:
        if match := STAMP.fullmatch(path.name):
            pairs.setdefault((path.parent, match["id"]), {})[match["kind"]] = path
    for (folder, identifier), pair in pairs.items():
        place = f"{SURVEY} archive {folder}, candidate {identifier}"
        if len(pair) != 2:
            raise ArchiveError(
                f"{place}: expected {identifier}_sci.fits and {identifier}_diff.fits, found "
                f"{next(iter(pair.values())).name} alone. Complete or remove the candidate."
            )
        images = {"science": read_file(pair["sci"]), "difference": read_file(pair["diff"])}
        yield StoredCandidate(place, identifier, "", folder.name, images)


def _from_pickle(path: Path) -> Iterator[StoredCandidate]:
    archive = f"{SURVEY} archive {path}"
    for row, record in enumerate(_records(unpickle_file(path, place=archive), archive)):
        identifier = str(record.get("id", row))
        place = f"{archive}, candidate {identifier}"
        survey_class = record.get("label", record.get("class"))
        missing = [name for name in IMAGES if record.get(name) is None]
        if missing or survey_class is None:
            raise ArchiveError(
                f"{place}: expected science, difference and label, found no "
                f"{(missing or ['label'])[0]} among {', '.join(sorted(map(str, record)))}. Complete or "
                "remove the candidate."
            )
        if isinstance(survey_class, bytes):
            survey_class = survey_class.decode("latin-1")
        images = {name: record[name] for name in IMAGES}
        yield StoredCandidate(place, identifier, "", str(survey_class), images)


def _records(content: Any, place: str) -> list[dict[Any, Any]]:
    """The records of any of the four forms in which they may be pickled."""
    if isinstance(content, dict | pd.DataFrame) and "science" in content:
        columns = {name: list(content[name]) for name in COLUMNS if name in content}
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) != 1:
            raise ArchiveError(
                f"{place}: expected columns of one length, found {lengths}. Complete the columns."
            )
        rows = zip(*columns.values(), strict=True)
        content = [dict(zip(columns, values, strict=True)) for values in rows]
    elif isinstance(content, dict) and all(isinstance(record, dict) for record in content.values()):
        content = [{"id": key, **record} for key, record in content.items()]
    if isinstance(content, list | tuple) and content and all(isinstance(record, dict) for record in content):
        return list(content)
    raise ArchiveError(
        f"{place}: expected a list, dictionary or frame of records with science, difference and label, found "
        f"{type(content).__name__}. {REMEDY}"
    )
