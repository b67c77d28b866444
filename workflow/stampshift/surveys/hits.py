"""HiTS: chunks of triplets in a gzipped tar of pickles (Cabrera-Vives et al. 2017).

`all_chunks.tar.gz` holds `all_chunks/chunk_<n>_5000.pkl`, pickles of Python 2 with the keys
`temp_images`, `sci_images`, `diff_images` (N, 441) and `labels` (N,), 1 for a real candidate. Some
copies gzip each chunk, and some chunks hold fewer than 5,000 rows. `SNR_images` is not used.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import find, listing, tar_members
from stampshift.formats.fits import GZIP_MAGIC
from stampshift.formats.unpickling import unpickle
from stampshift.stamps.triplets import RawTriplet

SURVEY = "HiTS"
SIDE_PIXELS = 21
KEYS = ("temp_images", "sci_images", "diff_images")  # in the order of stamps.CHANNELS
CLASSES = {0: "bogus", 1: "real"}
TAR = re.compile(r".*\.(tar|tar\.gz|tgz)")
CHUNK = re.compile(r"[^.].*\.pkl(\.gz)?")
REMEDY = "Put all_chunks.tar.gz (or a folder of its chunks) there, or name where it is in the config."


class Chunk(NamedTuple):
    """One chunk as it is stored, about 35 MB; `place` names its file and member in messages."""

    place: str
    stem: str
    content: bytes


def files(paths: Sequence[Path]) -> list[Path]:
    """Find the tar(s) of chunks, or else the chunks themselves.

    Raises
    ------
    ArchiveError
        If there is neither.
    """
    found = find(paths, TAR, archive=SURVEY, remedy=REMEDY) or find(
        paths, CHUNK, archive=SURVEY, remedy=REMEDY
    )
    if not found:
        raise ArchiveError(
            f"{SURVEY} archive: expected all_chunks.tar.gz or chunk_*.pkl in {listing(paths)}, found none. "
            f"{REMEDY}"
        )
    return found


def units(paths: Sequence[Path]) -> Iterator[Chunk]:
    """Chunks as stored, one at a time.

    Raises
    ------
    ArchiveError
        If the archive is missing, cut short or corrupt, or holds no chunk.
    """
    for path in files(paths):
        if CHUNK.fullmatch(path.name):
            yield Chunk(f"{SURVEY} archive {path}", _stem(path.name), path.read_bytes())
            continue
        member = None
        for member in tar_members(path, CHUNK, archive=SURVEY, contents=True):
            yield Chunk(f"{SURVEY} archive {path}, member {member.name}", _stem(member.name), member.content)
        if member is None:
            raise ArchiveError(f"{SURVEY} archive {path}: expected members chunk_*.pkl, found none. {REMEDY}")


def decode(unit: Chunk) -> Iterator[RawTriplet]:
    """Triplets of one chunk, 21 x 21 pixels; the identifier is ``<chunk>:<row>``.

    Raises
    ------
    ArchiveError
        If the chunk is corrupt, lacks a channel, or holds a label other than 0 and 1.
    """
    chunk = unpickle(_inflated(unit), place=unit.place)
    if not isinstance(chunk, dict):
        raise ArchiveError(
            f"{unit.place}: expected a pickled dictionary with {', '.join(KEYS)} and labels, found "
            f"{type(chunk).__name__}. {REMEDY}"
        )
    chunk = {key.decode() if isinstance(key, bytes) else key: value for key, value in chunk.items()}
    labels = _labels(chunk, unit.place)
    template, science, difference = (_images(chunk, key, len(labels), unit.place) for key in KEYS)
    for row, label in enumerate(labels.tolist()):
        images = (template[row], science[row], difference[row])
        yield RawTriplet(images, CLASSES[label], f"{unit.stem}:{row}", "")


def _stem(name: str) -> str:
    return Path(name).name.partition(".pkl")[0]


def _inflated(unit: Chunk) -> bytes:
    if not unit.content.startswith(GZIP_MAGIC):
        return unit.content
    try:
        with gzip.open(io.BytesIO(unit.content)) as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(
            f"{unit.place}: expected a whole gzipped chunk, found it cut short or corrupt ({error}). "
            "Download the archive again."
        ) from error


def _column(chunk: dict[Any, Any], key: str, place: str) -> NDArray[Any]:
    if key not in chunk:
        raise ArchiveError(
            f"{place}: expected the keys {', '.join(KEYS)} and labels, found no '{key}' among "
            f"{', '.join(sorted(map(str, chunk)))}. Remove the chunk or complete it."
        )
    return np.asarray(chunk[key])


def _labels(chunk: dict[Any, Any], place: str) -> NDArray[Any]:
    labels = _column(chunk, "labels", place).ravel()
    unknown = sorted(set(labels.tolist()) - set(CLASSES))
    if unknown:
        raise ArchiveError(
            f"{place}: expected the labels 0 (bogus) and 1 (real), found {unknown[0]!r}. {REMEDY}"
        )
    return labels


def _images(chunk: dict[Any, Any], key: str, count: int, place: str) -> NDArray[np.float32]:
    images = _column(chunk, key, place)
    if len(images) != count or images.size != count * SIDE_PIXELS**2:
        raise ArchiveError(
            f"{place}: expected '{key}' of shape ({count}, {SIDE_PIXELS**2}), as there are {count} labels, "
            f"found {images.shape}. Download the archive again."
        )
    return images.reshape(count, SIDE_PIXELS, SIDE_PIXELS).astype(np.float32, copy=False)
