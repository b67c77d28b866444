"""HiTS: chunks of triplets in a gzipped tar of pickles (Cabrera-Vives et al. 2017).

`all_chunks.tar.gz` holds `all_chunks/chunk_<n>_5000.pkl`, pickles of Python 2 with the keys
`temp_images`, `sci_images`, `diff_images` (N, 441) and `labels` (N,), 1 for a real candidate. Some
copies gzip each chunk, and some chunks hold fewer than 5,000 rows. `SNR_images` is not used.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import find, listing, tar_members
from stampshift.formats.inflating import GZIP_MAGIC
from stampshift.formats.unpickling import unpickle
from stampshift.stamps.raw_triplets import Image, RawTriplet, Unusable
from stampshift.surveys.reader import WRONG_SHAPE, as_array, wrong_label

SURVEY = "HiTS"
SIDE_PIXELS = 21
KEYS = ("temp_images", "sci_images", "diff_images")  # in the order of stamps.CHANNELS
CLASSES = {0: "bogus", 1: "real"}
TAR = re.compile(r".*\.(tar|tar\.gz|tgz)")
CHUNK = re.compile(r"[^.].*\.pkl(\.gz)?")
REMEDY = "Put all_chunks.tar.gz (or a folder of its chunks) there, or give its path in the config."


class Chunk(NamedTuple):
    """One chunk as it is stored, about 35 MB; `place` names its file and member in messages."""

    place: str
    stem: str
    content: bytes


def files(paths: Sequence[Path]) -> list[Path]:
    """The tars of chunks, or else the chunks themselves."""
    for pattern in (TAR, CHUNK):
        found = find(paths, pattern, archive=SURVEY, remedy=REMEDY)
        if found:
            return found
    raise ArchiveError(
        f"{SURVEY} archive: expected all_chunks.tar.gz or chunk_*.pkl in {listing(paths)}, found none. "
        f"{REMEDY}"
    )


def units(paths: Sequence[Path]) -> Iterator[Chunk]:
    """Chunks as stored, one at a time."""
    for path in files(paths):
        if CHUNK.fullmatch(path.name):
            yield Chunk(f"{SURVEY} archive {path}", _stem(path.name), path.read_bytes())
            continue
        member = None
        for member in tar_members(path, CHUNK, archive=SURVEY, contents=True):
            yield Chunk(f"{SURVEY} archive {path}, member {member.name}", _stem(member.name), member.content)
        if member is None:
            raise ArchiveError(f"{SURVEY} archive {path}: expected members chunk_*.pkl, found none. {REMEDY}")


def _stem(name: str) -> str:
    return Path(name).name.partition(".pkl")[0]


def decode(unit: Chunk) -> Iterator[RawTriplet | Unusable]:
    """Triplets of one chunk, 21 x 21 pixels; the identifier is ``<chunk>:<row>``."""
    chunk = read_chunk(unit)
    missing = [key for key in ("labels", *KEYS) if key not in chunk]
    if missing:
        raise ArchiveError(
            f"{unit.place}: expected the keys {', '.join(KEYS)} and labels, found no '{missing[0]}' among "
            f"{', '.join(sorted(map(str, chunk)))}. Remove the chunk or complete it."
        )
    labels = np.ravel(chunk["labels"]).tolist()
    stacks = [_stack(chunk[key], f"{unit.place}: expected '{key}'", len(labels)) for key in KEYS]
    for row, (label, *images) in enumerate(zip(labels, *stacks, strict=True)):
        identifier, place = f"{unit.stem}:{row}", f"{unit.place}, row {row}"
        wrong = [key for key, image in zip(KEYS, images, strict=True) if image is None]
        reason = wrong_label(label, CLASSES)
        if reason:
            detail = f"{place}: expected the labels 0 (bogus) and 1 (real), found {label!r}."
            yield Unusable(reason, identifier, detail)
        elif wrong:
            detail = f"{place}: expected {SIDE_PIXELS**2} pixels in '{wrong[0]}', found another shape."
            yield Unusable(WRONG_SHAPE, identifier, detail)
        else:
            template, science, difference = images
            yield RawTriplet((template, science, difference), CLASSES[label], identifier, "")


def _stack(stored: Any, expected: str, count: int) -> Sequence[Image | None]:
    """The images of a chunk, in float32; None where one of a list has another number of pixels."""
    pixels, whole = SIDE_PIXELS**2, as_array(stored)
    if whole.dtype.kind == "O" or whole.size == 0:  # perhaps a list of images that differ in shape
        whole = stored
    images = [as_array(image) for image in (whole if np.iterable(whole) else ())]
    fit = [image.size == pixels and image.dtype.kind in "fiub" for image in images]
    if len(images) != count or (count and not any(fit)):
        shape = getattr(stored, "shape", f"{len(images)} images")
        raise ArchiveError(
            f"{expected} of shape ({count}, {pixels}), as there are {count} labels, found {shape}. Download "
            "the archive again."
        )
    return [
        image.reshape(SIDE_PIXELS, SIDE_PIXELS).astype(np.float32, copy=False) if fits else None
        for image, fits in zip(images, fit, strict=True)
    ]


def read_chunk(unit: Chunk) -> dict[Any, Any]:
    """The content of a chunk by its keys; an `ArchiveError` if it is corrupt or no dictionary."""
    content = unit.content
    try:
        if content.startswith(GZIP_MAGIC):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(
            f"{unit.place}: expected a complete gzipped chunk, found it cut short or corrupt ({error}). "
            "Download the archive again."
        ) from error
    chunk = unpickle(content, place=unit.place)
    if not isinstance(chunk, dict):
        raise ArchiveError(
            f"{unit.place}: expected a pickled dictionary with {', '.join(KEYS)} and labels, found "
            f"{type(chunk).__name__}. {REMEDY}"
        )
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in chunk.items()}
