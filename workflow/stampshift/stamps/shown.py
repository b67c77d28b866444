"""What a stamps file holds for people who look at its stamps: metadata and a wider crop, both optional.

The data set `metadata` has a row of `metadata.DTYPE` per stamp, `context` (float32, N x 3 x wide x wide) the
pixels around it as the survey measured them, NaN where there are none. Neither is in the file's digest, which
says what models see; the attribute `shown` has a digest of both, and says which of them there are.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.stamps.contents import REMEDY
from stampshift.stamps.metadata import DTYPE, NO_METADATA, as_table
from stampshift.stamps.reserved import reserve

BLOCK_BYTES = 1 << 24
NOTHING = as_table([NO_METADATA]).tobytes()


class Shown(NamedTuple):
    """Of all stamps of a file, in its order; None where the file does not hold it."""

    metadata: NDArray[np.void] | None  # (N,), of `metadata.DTYPE`
    context: NDArray[np.float32] | None  # (N, 3, wide, wide), memory-mapped


class ShownWriter:
    """Collects metadata and wider crops block by block; pixels go to a spool."""

    def __init__(self, spool: BinaryIO) -> None:
        self._spool = spool
        self._metadata: list[NDArray[np.void]] = []
        self._shape: tuple[int, ...] = ()
        self.context_bytes = 0

    def append(self, metadata: NDArray[np.void], context: NDArray[np.float32]) -> None:
        """Add a block, as of `StampsWriter.append_shown`."""
        self._metadata.append(metadata)
        self._shape = context.shape[1:]
        self._spool.write(np.ascontiguousarray(context, np.float32).data)
        self.context_bytes += context.nbytes

    def attributes(self) -> dict[str, Any]:
        """The attribute `shown`; nothing where there is nothing to show."""
        metadata = self._table()
        if metadata is None and not self.context_bytes:
            return {}
        pieces = self._pixels() if self.context_bytes else iter(())
        wide = self._shape[-1] if self.context_bytes else 0
        found = {"metadata": metadata is not None, "context_pixels": wide}
        return {"shown": found | {"digest": _digest(metadata, pieces)}}

    def write(self, file: h5py.File) -> list[range]:
        """Write the metadata, if there are any, and make room for the pixels, if there are any."""
        metadata = self._table()
        if metadata is not None:
            file.create_dataset("metadata", data=metadata, track_times=False)
        if not self.context_bytes:
            return []
        count = self.context_bytes // (4 * int(np.prod(self._shape)))
        return [reserve(file, "context", (count, *self._shape))]

    def copy(self, stream: BinaryIO, rooms: Sequence[range]) -> None:
        """Write the pixels to the room that `write` made."""
        for room in rooms:
            stream.seek(room.start)
            for piece in self._pixels():
                stream.write(piece)

    def _table(self) -> NDArray[np.void] | None:
        table = np.concatenate(self._metadata) if self._metadata else np.empty(0, DTYPE)
        return None if table.tobytes() == NOTHING * len(table) else table

    def _pixels(self) -> Iterator[bytes]:
        row_bytes = 4 * int(np.prod(self._shape))
        self._spool.seek(0)
        while piece := self._spool.read(max(1, BLOCK_BYTES // row_bytes) * row_bytes):
            yield piece


def open_shown(path: Path | str, attributes: Mapping[str, Any], *, count: int) -> Shown:
    """What a stamps file of `count` stamps and these attributes shows people, compared with its digest.

    Raises a `ContractError` if it is damaged.
    """
    if "shown" not in attributes:
        return Shown(None, None)
    try:
        with h5py.File(path) as file:
            metadata = file["metadata"][:] if "metadata" in file else None
            context = file.get("context")
            place = None if context is None else (context.id.get_offset(), context.shape)
            if metadata is not None and (metadata.dtype != DTYPE or metadata.shape != (count,)):
                raise ValueError(f"metadata of shape {metadata.shape} and type {metadata.dtype}")
            if place is not None and (
                context.dtype != np.float32 or place[0] is None or place[1][0] != count
            ):
                raise ValueError(f"context of shape {context.shape} and type {context.dtype}")
        pixels = None if place is None else np.memmap(path, np.float32, "r", *place)
        if _digest(metadata, _pieces(pixels)) != attributes["shown"]["digest"]:
            raise ValueError("its digest is another")
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise ContractError(f"{path}: what it holds for people is damaged ({error}). {REMEDY}") from error
    return Shown(metadata, pixels)


def _pieces(pixels: NDArray[np.float32] | None) -> Iterator[bytes]:
    if pixels is not None:
        rows = max(1, BLOCK_BYTES // max(1, pixels[:1].nbytes))
        for start in range(0, len(pixels), rows):
            yield pixels[start : start + rows].tobytes()


def _digest(metadata: NDArray[np.void] | None, pixels: Iterator[bytes]) -> str:
    found = hashlib.sha256(b"" if metadata is None else metadata.tobytes())
    for piece in pixels:
        found.update(piece)
    return found.hexdigest()
