"""ATLAS: science and difference stamps of seven classes (Rabeendran & Denneau 2021).

Either one pickle of records with `science`, `difference` (arrays or FITS bytes, gzipped or not), `label`
(or `class`) and perhaps `id`, as a list, a dictionary of records, a dictionary of columns or a pandas
frame; or folders `<class>/<id>_{sci,diff}.fits[.gz]`. There is no template: it is science - difference.
A pixel masked in either image is NaN in the template.

A pickle is held in memory once (110 MB for the 3,678 candidates); folders are read 256 candidates at a time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import find, in_units, listing
from stampshift.formats.fits import image_of
from stampshift.formats.unpickling import PICKLE, unpickle_file
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet, template_of

SURVEY = "ATLAS"
CLASSES = ("burn", "cr", "kast", "noise", "scar", "spike", "streak")
MARKS = InvalidPixels(equals=-31415.0)
UNIT_CANDIDATES = 256
COLUMNS = ("id", "class", "label", "science", "difference")
STAMP = re.compile(r"(?P<id>.+)_(?P<kind>sci|diff)\.fits(\.gz)?")
REMEDY = (
    "Put the pickle, or folders <class>/<id>_{sci,diff}.fits[.gz], there, or name where it is in the config; "
    "no public address of it is known."
)


class Candidate(NamedTuple):
    """A candidate as stored: images are arrays or FITS bytes; `place` names it in messages."""

    place: str
    identifier: str
    survey_class: str
    science: Any
    difference: Any


def files(paths: Sequence[Path]) -> list[Path]:
    """Find the pickle, or else the FITS files of the class folders.

    Raises
    ------
    ArchiveError
        If there is neither, both, or more than one pickle.
    """
    pickles = find(paths, PICKLE, archive=SURVEY, remedy=REMEDY)
    stamps = find(paths, STAMP, archive=SURVEY, remedy=REMEDY)
    if len(pickles) + bool(stamps) != 1:
        raise ArchiveError(
            f"{SURVEY} archive: expected one pickle (*.pkl) or folders <class>/ of FITS files in "
            f"{listing(paths)}, found {len(pickles)} pickles and {len(stamps)} FITS files. {REMEDY}"
        )
    return pickles or stamps


def units(paths: Sequence[Path]) -> Iterator[list[Candidate]]:
    """At most 256 candidates at a time, their images as stored.

    Raises
    ------
    ArchiveError
        If the archive is missing, cut short or corrupt, or a candidate lacks an image or a known class.
    """
    found = files(paths)
    candidates = _from_pickle(found[0]) if PICKLE.fullmatch(found[0].name) else _from_folders(found)
    yield from in_units(_of_known_class(candidates), size=UNIT_CANDIDATES)


def _of_known_class(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    for candidate in candidates:
        if candidate.survey_class not in CLASSES:
            raise ArchiveError(
                f"{candidate.place}: expected one of the classes {', '.join(CLASSES)}, found "
                f"{candidate.survey_class!r}. Rename or remove it."
            )
        yield candidate


def decode(unit: list[Candidate]) -> Iterator[RawTriplet]:
    """Triplets of one unit, 61 x 61 pixels, in raw counts with the sky.

    Raises
    ------
    ArchiveError
        If an image is missing, cut short or corrupt.
    """
    for candidate in unit:
        science = image_of(candidate.science, place=f"{candidate.place}, science")
        difference = image_of(candidate.difference, place=f"{candidate.place}, difference")
        template = template_of(science, difference, invalid=MARKS)
        yield RawTriplet((template, science, difference), candidate.survey_class, candidate.identifier, "")


def _from_folders(stamps: Iterable[Path]) -> Iterator[Candidate]:
    pairs: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in stamps:
        match = STAMP.fullmatch(path.name)
        if match:
            pairs.setdefault((path.parent, match["id"]), {})[match["kind"]] = path
    for (folder, identifier), pair in pairs.items():
        place = f"{SURVEY} archive {folder}, candidate {identifier}"
        if len(pair) != 2:
            raise ArchiveError(
                f"{place}: expected {identifier}_sci.fits and {identifier}_diff.fits, found "
                f"{next(iter(pair.values())).name} alone. Complete or remove the candidate."
            )
        yield Candidate(place, identifier, folder.name, pair["sci"].read_bytes(), pair["diff"].read_bytes())


def _from_pickle(path: Path) -> Iterator[Candidate]:
    archive = f"{SURVEY} archive {path}"
    for row, record in enumerate(_records(unpickle_file(path, place=archive), archive)):
        identifier = str(record.get("id", row))
        place = f"{archive}, candidate {identifier}"
        survey_class = record.get("label", record.get("class"))
        missing = [name for name in ("science", "difference") if record.get(name) is None]
        if missing or survey_class is None:
            raise ArchiveError(
                f"{place}: expected science, difference and label, found no "
                f"{(missing or ['label'])[0]} among {', '.join(sorted(map(str, record)))}. Complete or "
                "remove the candidate."
            )
        if isinstance(survey_class, bytes):
            survey_class = survey_class.decode("latin-1")
        yield Candidate(place, identifier, str(survey_class), record["science"], record["difference"])


def _records(content: Any, place: str) -> list[dict[Any, Any]]:
    """List the records of any of the four forms in which they may be pickled."""
    if isinstance(content, pd.DataFrame):
        content = {name: list(content[name]) for name in content.columns}
    if isinstance(content, dict):
        if "science" in content:
            columns = {name: content[name] for name in COLUMNS if name in content}
            lengths = {name: len(values) for name, values in columns.items()}
            if len(set(lengths.values())) != 1:
                raise ArchiveError(
                    f"{place}: expected columns of one length, found {lengths}. Complete the columns."
                )
            content = [
                dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
            ]
        elif all(isinstance(record, dict) for record in content.values()):
            content = [{"id": key, **record} for key, record in content.items()]
    if isinstance(content, list | tuple) and content and all(isinstance(record, dict) for record in content):
        return list(content)
    raise ArchiveError(
        f"{place}: expected a list, dictionary or frame of records with science, difference and label, found "
        f"{type(content).__name__}. {REMEDY}"
    )
