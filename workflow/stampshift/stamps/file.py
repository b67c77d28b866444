"""The stamps file: the common representation of every survey, its contract, and how it is read.

An HDF5 file holds `stamps` (float32, N x 3 x size x size), `label` (uint8), `class` (the survey's own class),
`id` (the survey's identifier), `group` (object id, empty where the survey has none) and `fingerprint`
(uint64, hash of the pixels). A file for adaptation may hold unlabelled stamps too, and any file what
`shown` says, for people. Stamps are contiguous and uncompressed: any number of processes memory-map one copy
through the page cache.
"""

import hashlib
import json
import mmap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ContractError, system_fault, unreadable_now
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
    found.update(digested(stamps.labels.tolist(), {name: each.tolist() for name, each in texts.items()}))
    if changed or found.hexdigest() != stamps.attributes.get("digest"):
        raise ContractError(f"{path}: its content has changed since it was written. {REMEDY}")


def digested(labels: Sequence[int], texts: Mapping[str, Sequence[str]]) -> bytes:
    """What of a stamps file is in its digest after the pixels: the labels, and its texts by their names."""
    return json.dumps([labels, texts]).encode()
