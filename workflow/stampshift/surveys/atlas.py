"""ATLAS: science and difference stamps of seven classes (Rabeendran & Denneau 2021).

Either one pickle, in any of the forms of `atlas_records`, with arrays, FITS bytes or astropy's own HDUs; or
folders `<class>/<id>_{sci,diff}.fits[.gz]`. There is no template: it is science - difference. A pixel that
the config calls invalid in either image is NaN in the template.

A pickle is held in memory once, 110 MB for the 3,678 candidates. One of HDUs whose headers have 100 cards
takes 0.8 GB and two minutes to read, card by card. Folders are read 256 candidates at a time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import find, in_units, listing
from stampshift.formats.inflating import read_file
from stampshift.formats.unpickling import PICKLE, RefusedPickleError, unpickle_file
from stampshift.stamps.raw_triplets import InvalidPixels, Unusable
from stampshift.surveys.atlas_records import candidates
from stampshift.surveys.reader import MISSING_IMAGE, Reader, StoredCandidate, decode_stored

SURVEY = "ATLAS"
UNIT_CANDIDATES = 256
STAMP = re.compile(r"(?P<id>.+)_(?P<kind>sci|diff)\.fits(\.gz)?")
REMEDY = (
    "Put the pickle, or folders <class>/<id>_{sci,diff}.fits[.gz], there, or give its path in the config; "
    "no public address of it is known."
)
CONVERSION = """\
What no reader here knows, the program that wrote it can convert, and `reader: table` then reads:
    content = pickle.loads(Path("archive.pkl").read_bytes())
    science, difference = zip(*[(np.asarray(a, "f4"), np.asarray(b, "f4")) for a, b in content["images"]])
    np.savez("archive.npz", science=science, difference=difference, label=content["labels"])
with `table: {stamps: {science: science, difference: difference}, template: science - difference,
label: label}`; or write <class>/<id>_science.fits and <class>/<id>_difference.fits, for `reader: folder`
with `folder: {template: science - difference}`."""


def build(options: Mapping[str, Any], invalid: InvalidPixels) -> Reader:  # noqa: ARG001
    """Reader of the archive; a computed template does not inherit `invalid` pixels."""
    # triplets of one unit, 61 x 61 pixels, in raw counts with the sky
    decode = partial(decode_stored, invalid=invalid)
    return Reader(files, units, decode, bounded=True, remedy=f"\n{CONVERSION}")


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


def units(paths: Sequence[Path]) -> Iterator[list[StoredCandidate | Unusable]]:
    """At most 256 candidates at a time, their images as stored."""
    found = files(paths)
    read = _from_pickle(found[0]) if PICKLE.fullmatch(found[0].name) else _from_folders(found)
    yield from in_units(read, size=UNIT_CANDIDATES)


def _from_folders(stamps: Iterable[Path]) -> Iterator[StoredCandidate | Unusable]:
    pairs: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in stamps:
        if match := STAMP.fullmatch(path.name):
            pairs.setdefault((path.parent, match["id"]), {})[match["kind"]] = path
    for (folder, identifier), pair in pairs.items():
        place = f"{SURVEY} archive {folder}, candidate {identifier}"
        if len(pair) != 2:
            detail = (
                f"{place}: expected {identifier}_sci.fits and {identifier}_diff.fits, found "
                f"{next(iter(pair.values())).name} alone."
            )
            yield Unusable(MISSING_IMAGE, identifier, detail)
            continue
        images = {"science": read_file(pair["sci"]), "difference": read_file(pair["diff"])}
        yield StoredCandidate(place, identifier, "", folder.name, images)


def _from_pickle(path: Path) -> Iterator[StoredCandidate | Unusable]:
    archive = f"{SURVEY} archive {path}"
    try:
        content = unpickle_file(path, place=archive)
    except RefusedPickleError as error:
        raise RefusedPickleError(f"{error}\n{CONVERSION}") from error
    yield from candidates(content, archive=archive, remedy=f"{REMEDY}\n{CONVERSION}")
