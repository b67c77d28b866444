"""Writing a stamps file: block by block in bounded memory, and under its name only once it is complete."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.core.files import atomic_path, remove_leftovers
from stampshift.core.version import __version__
from stampshift.formats.cells import MOST_CHARACTERS
from stampshift.stamps.file import (
    BOGUS,
    CHANNELS,
    REAL,
    UNLABELLED,
    digested,
    fingerprint,
)
from stampshift.stamps.reserved import copy_around, reserve, start_of_first
from stampshift.stamps.shown import ShownWriter

HEADER_BYTES = 1 << 16  # of HDF5's own structures, and the attributes


class StampsWriter:
    """Collects preprocessed stamps block by block, with memory bounded by one block; see `stamps_writer`."""

    def __init__(self, stream: BinaryIO, context_spool: BinaryIO, *, survey: str, size_pixels: int) -> None:
        self._stream = stream
        self._survey = survey
        self._shape = (len(CHANNELS), size_pixels, size_pixels)
        self._start = start_of_first("stamps", self._shape)
        stream.seek(self._start)
        self._labels: list[int] = []
        self._texts: dict[str, list[str]] = {"class": [], "id": [], "group": []}
        self._attributes: dict[str, Any] = {}
        self._fingerprints: list[int] = []
        self._digest = hashlib.sha256()
        self._shown = ShownWriter(context_spool)

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
        self._stream.write(pixels)
        self._digest.update(pixels)
        self._fingerprints.extend(map(fingerprint, stamps))
        self._labels.extend(map(int, labels))
        for name, values in texts.items():
            self._texts[name].extend(value.rstrip("\0") for value in values)  # HDF5 pads texts with zeros

    def append_shown(self, metadata: NDArray[np.void], context: NDArray[np.float32]) -> None:
        """Add what people are shown of the block of stamps that was added last.

        `metadata` (n,) has `metadata.DTYPE`; `context` (n, 3, wide, wide) is a wider crop, in the survey's
        units and NaN where there is no pixel; without pixels, none is kept.
        """
        self._shown.append(metadata, context)

    def describe(self, attributes: Mapping[str, Any]) -> None:
        """Keep counts and origin (any JSON content) in the file's attributes."""
        self._attributes.update(attributes)

    def finish(self, path: Path) -> None:
        """Complete the file at `path`, of a stamp at least; the same content gives the same bytes."""
        count = len(self._labels)
        if count == 0:
            raise ContractError(f"{self._survey}: no stamp is left after preprocessing: {self._attributes}.")
        self._digest.update(digested(self._labels, self._texts))
        self.describe({"digest": self._digest.hexdigest()})
        self.describe(self._shown.attributes())
        columns = self._columns()
        rest = sum(data.nbytes for data, _ in columns.values())
        # HDF5 could not close a file on a full disk, and would crash
        if shutil.disk_usage(path.parent).free < 2 * (rest + HEADER_BYTES) + self._shown.context_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        with tempfile.TemporaryFile(dir=path.parent) as frame:
            with h5py.File(frame, "w") as file:
                pixels = reserve(file, "stamps", (count, *self._shape))
                file.attrs["survey"] = self._survey
                file.attrs["size"] = self._shape[-1]
                file.attrs["channels"] = list(CHANNELS)
                file.attrs["version"] = __version__
                file.attrs["preprocessing"] = json.dumps(self._attributes, sort_keys=True)
                for name, (data, kind) in columns.items():
                    file.create_dataset(name, data=data, dtype=kind, track_times=False)
                context = self._shown.write(file)
            if pixels.start != self._start:
                raise RuntimeError(f"{path}: HDF5 put the pixels at byte {pixels.start}, not {self._start}")
            copy_around(frame, self._stream, [pixels, *context])
        self._shown.copy(self._stream, context)
        self._stream.flush()

    def _columns(self) -> dict[str, tuple[NDArray[Any], np.dtype[Any]]]:
        """Data sets of a value per stamp, and their types in the file."""
        names = sorted(set(self._texts["class"]))
        codes = {name: code for code, name in enumerate(names)}
        kind = np.min_scalar_type(len(codes) - 1)  # one byte up to 256 classes
        classes = np.array([codes[name] for name in self._texts["class"]], kind)
        columns: dict[str, tuple[NDArray[Any], np.dtype[Any]]] = {
            "label": (np.array(self._labels, np.uint8), np.dtype(np.uint8)),
            "fingerprint": (np.array(self._fingerprints, np.uint64), np.dtype(np.uint64)),
            "class": (classes, h5py.enum_dtype(codes, kind)),
        }
        for name in ("id", "group"):
            texts = np.char.encode(np.array(self._texts[name], np.str_), "utf-8")
            dtype = h5py.string_dtype("utf-8", max(1, texts.itemsize))
            columns[name] = (texts.astype(dtype), dtype)
        return columns


@contextmanager
def stamps_writer(path: Path | str, *, survey: str, size_pixels: int) -> Iterator[StampsWriter]:
    """Write a stamps file that appears under its final name only if the block ends well.

    The number of stamps is unknown until the archive ends, but not where the pixels begin: they are written
    once, to their place, and the rest of the file is put around them at the end (`reserved`). Wider crops,
    whose place is behind it, are spooled. Memory holds one block of pixels, and 0.3 KB per stamp. Temporary
    files of writers that were killed are removed.
    """
    remove_leftovers(path)
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as stream,
        tempfile.TemporaryFile(dir=temporary.parent) as context_spool,
    ):
        writer = StampsWriter(stream, context_spool, survey=survey, size_pixels=size_pixels)
        yield writer
        writer.finish(temporary)
