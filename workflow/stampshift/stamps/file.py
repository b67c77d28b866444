"""The stamps file: the common representation of every survey, its contract, reading and writing.

An HDF5 file holds `stamps` (float32, N x 3 x size x size), `label` (uint8), `class` (the survey's own class),
`id` (the survey's identifier), `group` (object id, empty where the survey has none) and `fingerprint`
(uint64, hash of the pixels). A file for adaptation may hold unlabelled stamps too. Stamps are contiguous and
uncompressed: any number of processes memory-map one copy through the page cache.
"""

import errno
import hashlib
import json
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ContractError, system_fault, unreadable_now
from stampshift.core.files import atomic_path, remove_leftovers
from stampshift.core.version import __version__
from stampshift.formats.cells import MOST_CHARACTERS
from stampshift.stamps.contents import REMEDY, check_arrays, check_attributes

CHANNELS = ("template", "science", "difference")
DIFFERENCE = CHANNELS.index("difference")
REAL = 1
BOGUS = 0
UNLABELLED = 255
UNLABELLED_CLASS = "unlabelled"
LABELS = {"real": REAL, "bogus": BOGUS}
LABEL_NAMES = {code: name for name, code in LABELS.items()}
COPY_BLOCK_BYTES = 1 << 24
# what h5py raises of a file that is damaged or no stamps file
DAMAGED = (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError, IndexError, MemoryError)


@dataclass(frozen=True)
class Stamps:
    """The stamps of one survey, memory-mapped.

    Examples
    --------
    >>> from stampshift import Stamps
    >>> stamps = Stamps.open("Rubin.h5", unlabelled=True)
    >>> stamps.stamps.shape
    (106, 3, 21, 21)
    >>> stamps.labels.tolist().count(255)  # without a label
    100
    """

    survey: str
    stamps: NDArray[np.float32]  # (N, 3, size, size), read-only, channels as `CHANNELS`, finite
    labels: NDArray[np.uint8]  # (N,), 1 real and 0 bogus, `UNLABELLED` where it is not known
    classes: NDArray[np.str_]  # (N,), the survey's own
    ids: NDArray[np.str_]  # (N,), of the candidates
    groups: NDArray[np.str_]  # (N,), of their objects, "" where the survey names none
    fingerprints: NDArray[np.uint64]  # (N,), the same where all pixels are the same
    # what preprocessing counted, where the stamps came from, and `digest`, SHA-256 of all the content
    attributes: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path | str, *, unlabelled: bool = False) -> Self:
        """Memory-map a stamps file, or raise a `ContractError` if it is damaged or breaks its contract.

        Only with `unlabelled` may it hold stamps without a label, so that nothing trains on one by mistake.
        """
        with _opened(path) as file:
            survey = str(file.attrs["survey"])
            labels = file["label"][:]
            names = {code: name for name, code in h5py.check_enum_dtype(file["class"].dtype).items()}
            classes = np.array([names[code] for code in file["class"][:]], np.str_)
            ids, groups = (file[name].asstr()[:].astype(np.str_) for name in ("id", "group"))
            fingerprints = file["fingerprint"][:]
            dataset = file["stamps"]
            offset, shape, dtype = dataset.id.get_offset(), dataset.shape, dataset.dtype
            attributes = json.loads(str(file.attrs["preprocessing"]))
            if not isinstance(attributes["digest"], str):
                raise TypeError("its digest is no text")
        arrays = {"label": labels, "fingerprint": fingerprints, "class": classes, "id": ids, "group": groups}
        check_arrays(arrays, path, labels={REAL, BOGUS, UNLABELLED})
        expected = (len(labels), len(CHANNELS), *shape[-1:], *shape[-1:])
        if dtype != np.float32 or shape != expected or offset is None:
            raise ContractError(
                f"{path}: 'stamps' should be contiguous float32 of shape {expected}, "
                f"found {dtype} of shape {shape}. Delete the file; the workflow makes it again."
            )
        without = int((labels == UNLABELLED).sum())
        if without and not unlabelled:
            raise ContractError(
                f"{path}: expected a label for every stamp, but {without} of {len(labels)} have none. Such a "
                "file is for `stampshift review`, `adapt` and `score`; the workflow makes its own without "
                "them."
            )
        stamps = np.memmap(path, np.float32, "r", offset, shape)
        if hasattr(mmap, "MADV_RANDOM"):
            # batches are gathered at random: read-ahead would only evict pages that other jobs use
            stamps._mmap.madvise(mmap.MADV_RANDOM)  # type: ignore[attr-defined]
        return cls(survey, stamps, labels, classes, ids, groups, fingerprints, attributes)

    @classmethod
    def verified(cls, path: Path | str, *, unlabelled: bool = False) -> Self:
        """As `open`, its pixels, labels and texts compared with their digest; for jobs that read pixels."""
        stamps = cls.open(path, unlabelled=unlabelled)
        verify_stamps(path, fingerprints=False)
        return stamps

    def __len__(self) -> int:
        return len(self.labels)


def fingerprint(stamp: NDArray[np.float32]) -> int:
    """Hash of a stamp's pixels, 64 bits: two stamps of one hash are taken to be identical."""
    return int.from_bytes(hashlib.blake2b(stamp.tobytes(), digest_size=8).digest(), "little")


def is_stamps_file(path: Path | str) -> bool:
    """Whether a file in HDF5 has the mark of a stamps file, and can be read so far."""
    try:
        with h5py.File(path) as file:
            return "survey" in file.attrs
    except DAMAGED:
        return False


def read_attributes(path: Path | str) -> dict[str, Any]:
    """`Stamps.attributes` of a stamps file without its stamps; a `ContractError` if it cannot be read."""
    with _opened(path) as file:
        attributes: dict[str, Any] = json.loads(str(file.attrs["preprocessing"]))
    check_attributes(attributes, path)
    return attributes


@contextmanager
def _opened(path: Path | str) -> Iterator[h5py.File]:
    try:
        with h5py.File(path) as file:
            yield file
    except DAMAGED as error:
        if system_fault(error):
            raise ContractError(unreadable_now(path, error)) from error
        raise ContractError(f"{path}: not a readable stamps file ({error}). {REMEDY}") from error


def verify_stamps(path: Path | str, *, fingerprints: bool = True) -> None:
    """Compare a stamps file's pixels, labels, texts and fingerprints with the digests that it carries.

    It reads the whole file, in blocks: 0.8 s per GB, and 1.7 s more for its `fingerprints`, which decide
    splits and folds alone. What preprocessing counted and the origin are not covered. Raises a
    `ContractError` if anything has changed.
    """
    stamps = Stamps.open(path, unlabelled=True)
    rows = max(1, COPY_BLOCK_BYTES // max(1, stamps.stamps[:1].nbytes))
    found, changed = hashlib.sha256(), False
    with Path(path).open("rb") as file:
        file.seek(stamps.stamps.offset)  # type: ignore[attr-defined]  # a memmap has one
        for start in range(0, len(stamps), rows):
            block = np.frombuffer(file.read(stamps.stamps[start : start + rows].nbytes), np.float32)
            found.update(block.data)
            if not fingerprints:
                continue
            known = stamps.fingerprints[start : start + rows]
            changed |= [*map(fingerprint, block.reshape(-1, *stamps.stamps.shape[1:]))] != known.tolist()
    texts = {"class": stamps.classes, "id": stamps.ids, "group": stamps.groups}
    found.update(_digested(stamps.labels.tolist(), {name: each.tolist() for name, each in texts.items()}))
    if changed or found.hexdigest() != stamps.attributes.get("digest"):
        raise ContractError(f"{path}: its content has changed since it was written. {REMEDY}")


def _digested(labels: Sequence[int], texts: Mapping[str, Sequence[str]]) -> bytes:
    """What of a stamps file is in its digest after the pixels."""
    return json.dumps([labels, texts]).encode()


class StampsWriter:
    """Collects preprocessed stamps block by block, with memory bounded by one block; see `stamps_writer`."""

    def __init__(self, spool: BinaryIO, *, survey: str, size_pixels: int) -> None:
        self._spool = spool
        self._survey = survey
        self._shape = (len(CHANNELS), size_pixels, size_pixels)
        self._labels: list[int] = []
        self._texts: dict[str, list[str]] = {"class": [], "id": [], "group": []}
        self._attributes: dict[str, Any] = {}
        self._fingerprints: list[int] = []
        self._digest = hashlib.sha256()

    def append(
        self,
        stamps: NDArray[np.float32],
        *,
        labels: Sequence[int] | NDArray[np.uint8],
        classes: Sequence[str],
        ids: Sequence[str],
        groups: Sequence[str],
    ) -> None:
        """Add a block of preprocessed stamps, float32 (n, 3, size, size), and what is known of them.

        Raises a `ContractError` if shapes, lengths, labels, a non-finite pixel or a long text break it.
        """
        lengths = {len(labels), len(classes), len(ids), len(groups), len(stamps)}
        if stamps.shape[1:] != self._shape or len(lengths) != 1:
            raise ContractError(
                f"{self._survey}: expected a block of stamps (n, {', '.join(map(str, self._shape))}) with n "
                f"labels, classes, ids and groups; found {stamps.shape} and lengths {sorted(lengths)}."
            )
        finite = np.isfinite(stamps).all(axis=(1, 2, 3))
        if not finite.all():
            raise ContractError(
                f"{self._survey}: candidate {ids[int(np.argmin(finite))]} has a non-finite pixel after "
                "preprocessing; declare the survey's fill values in the config."
            )
        unknown = set(labels) - {REAL, BOGUS, UNLABELLED}
        if unknown:
            raise ContractError(
                f"{self._survey}: labels must be 1 (real), 0 (bogus) or 255 (unlabelled), found {unknown}."
            )
        texts = {"class": classes, "id": ids, "group": groups}
        for name, values in texts.items():
            longest = max(map(len, values), default=0)
            if longest > MOST_CHARACTERS:
                raise ContractError(
                    f"{self._survey}: expected at most {MOST_CHARACTERS} characters in each {name}, found "
                    f"{longest} in that of candidate {ids[[*map(len, values)].index(longest)][:60]}."
                )
        pixels = np.ascontiguousarray(stamps, dtype=np.float32).data
        self._spool.write(pixels)
        self._digest.update(pixels)
        self._fingerprints.extend(map(fingerprint, stamps))
        self._labels.extend(map(int, labels))
        for name, values in texts.items():
            self._texts[name].extend(value.rstrip("\0") for value in values)  # HDF5 pads texts with zeros

    def describe(self, attributes: Mapping[str, Any]) -> None:
        """Keep counts and origin (any JSON content) in the file's attributes."""
        self._attributes.update(attributes)

    def finish(self, path: Path) -> None:
        """Write everything collected to `path`, a stamp at least; the same content gives the same bytes."""
        count, row_pixels = len(self._labels), int(np.prod(self._shape))
        if count == 0:
            raise ContractError(f"{self._survey}: no stamp is left after preprocessing: {self._attributes}.")
        self._digest.update(_digested(self._labels, self._texts))
        self.describe({"digest": self._digest.hexdigest()})
        names = sorted(set(self._texts["class"]))
        codes = {name: code for code, name in enumerate(names)}
        # HDF5 could not close a file on a full disk, and would crash
        if shutil.disk_usage(path.parent).free < 4 * count * row_pixels:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        with h5py.File(path, "w") as file:
            file.attrs["survey"] = self._survey
            file.attrs["size"] = self._shape[-1]
            file.attrs["channels"] = list(CHANNELS)
            file.attrs["version"] = __version__
            file.attrs["preprocessing"] = json.dumps(self._attributes, sort_keys=True)
            file.create_dataset("label", data=np.array(self._labels, np.uint8), track_times=False)
            fingerprints = np.array(self._fingerprints, np.uint64)
            file.create_dataset("fingerprint", data=fingerprints, track_times=False)
            kind = np.min_scalar_type(len(codes) - 1)  # one byte up to 256 classes
            classes = np.array([codes[name] for name in self._texts["class"]], kind)
            enum = h5py.enum_dtype(codes, kind)
            file.create_dataset("class", data=classes, dtype=enum, track_times=False)
            for name in ("id", "group"):
                texts = np.char.encode(np.array(self._texts[name], np.str_), "utf-8")
                dtype = h5py.string_dtype("utf-8", max(1, texts.itemsize))
                file.create_dataset(name, data=texts.astype(dtype), track_times=False)
            stamps = file.create_dataset("stamps", (count, *self._shape), np.float32, track_times=False)
            rows = max(1, COPY_BLOCK_BYTES // (4 * row_pixels))
            self._spool.seek(0)
            for start in range(0, count, rows):
                size = min(rows, count - start)
                block = np.frombuffer(self._spool.read(4 * size * row_pixels), np.float32)
                stamps[start : start + size] = block.reshape(size, *self._shape)


@contextmanager
def stamps_writer(path: Path | str, *, survey: str, size_pixels: int) -> Iterator[StampsWriter]:
    """Write a stamps file that appears under its final name only if the block ends well.

    A contiguous HDF5 data set cannot grow, and the number of stamps is unknown until the archive ends: pixels
    are spooled to an anonymous file in the same folder and copied at the end. Memory holds one block of
    pixels, and 0.3 KB per stamp. Temporary files of writers that were killed are removed.
    """
    remove_leftovers(path)
    with atomic_path(path) as temporary, tempfile.TemporaryFile(dir=temporary.parent) as spool:
        writer = StampsWriter(spool, survey=survey, size_pixels=size_pixels)
        yield writer
        writer.finish(temporary)
