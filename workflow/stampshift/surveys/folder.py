"""Any survey by folders of FITS files, one for each class: `real/`, `bogus/`, perhaps `unlabelled/`.

A candidate is one file, `<id>.fits`, with a cube or with an image in each HDU, or a file for each channel,
`<id>_template.fits`, `<id>_science.fits` and `<id>_difference.fits`. `<id>_mask.fits` beside either is
non-zero where a pixel is invalid. All may be gzipped or
tile-compressed (`.fits.fz`), and be called `.fit` or `.fts`, in any case. The options are those of
`surveys.<name>.folder`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import find, in_units, listing
from stampshift.formats.cells import decoded_name
from stampshift.formats.fits import read_image, read_planes
from stampshift.formats.inflating import read_file
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.surveys.reader import Reader, masked_triplet, named, stored_channels

FILE = re.compile(
    r"(?P<id>.+?)(_(?P<kind>template|science|difference|mask))?\.(fits|fit|fts)(\.fz)?(\.gz)?", re.IGNORECASE
)
WHOLE = "whole"  # of a file that holds all channels
UNIT_CANDIDATES = 256
REMEDY = "Put <id>.fits, or <id>_{template,science,difference}.fits, into folders named after the classes."


class Candidate(NamedTuple):
    """A candidate of a folder."""

    folder: Path
    identifier: str
    files: dict[str, Path]  # by kind: a channel, "mask", or `WHOLE`

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.folder}, candidate {self.identifier}"


def build(options: Mapping[str, Any], invalid: InvalidPixels) -> Reader:
    """Reader of folders of FITS files."""
    channels = stored_channels(options)
    decode = partial(_decode, channels=channels, declared="channels" in options, invalid=invalid)
    return Reader(_files, partial(_units, channels=channels), decode, classes=_classes)


def _files(paths: Sequence[Path]) -> list[Path]:
    found = find(paths, FILE, archive="folder", remedy=REMEDY)
    if not found:
        raise ArchiveError(f"folder archive: expected FITS files in {listing(paths)}, found none. {REMEDY}")
    return found


def _classes(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for folder in dict.fromkeys(path.parent for path in _files(paths)):
        yield decoded_name(folder.name), str(folder)


def _units(paths: Sequence[Path], *, channels: Sequence[str]) -> Iterator[list[Candidate]]:
    candidates = _candidates(_files(paths))
    for candidate in candidates:
        kinds = set(candidate.files) - {"mask"}
        if kinds not in ({WHOLE}, set(channels)):
            raise ArchiveError(
                f"{candidate.place}: expected one FITS file, or one for each of {', '.join(channels)}, found "
                f"{', '.join(path.name for path in candidate.files.values())}. Complete or remove the "
                "candidate."
            )
    yield from in_units(candidates, size=UNIT_CANDIDATES)


def _candidates(files: Sequence[Path]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for path in files:
        match = FILE.fullmatch(path.name)
        if match is None:
            continue
        candidate = found.setdefault(match["id"], Candidate(path.parent, match["id"], {}))
        if candidate.folder != path.parent:
            raise ArchiveError(
                f"{path}: expected each candidate in one folder, found {match['id']} in "
                f"{candidate.folder.name} and {path.parent.name}. Decide on one."
            )
        kind = (match["kind"] or WHOLE).lower()
        if kind in candidate.files:
            raise ArchiveError(
                f"{path}: expected each file once, found {candidate.files[kind].name} as well."
            )
        candidate.files[kind] = path
    return list(found.values())


def _decode(
    unit: list[Candidate], *, channels: Sequence[str], declared: bool, invalid: InvalidPixels
) -> Iterator[RawTriplet]:
    for candidate in unit:
        files, place = candidate.files, candidate.place
        if WHOLE in files:
            planes, extensions = read_planes(read_file(files[WHOLE]), place=place)
            images = named(planes, channels, place=place, extensions=extensions, declared=declared)
        else:
            images = {name: read_image(read_file(files[name]), place=f"{place}, {name}") for name in channels}
        masks = read_planes(read_file(files["mask"]), place=f"{place}, mask")[0] if "mask" in files else []
        triplet = masked_triplet(images, masks, invalid=invalid, place=place)
        name, identifier = map(decoded_name, (candidate.folder.name, candidate.identifier))
        yield RawTriplet(triplet, name, identifier, "")
