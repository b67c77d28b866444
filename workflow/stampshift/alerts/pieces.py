"""Units of work: what is handed to the process that decodes it, bounded and picklable."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stampshift.alerts.dialects import Alert

UNIT_BYTES = 4 << 20
UNIT_PACKETS = 256


class Stored(NamedTuple):
    """A file of at most `UNIT_BYTES`, or one that holds a single packet: who decodes it reads it."""

    path: Path
    size: int

    @property
    def place(self) -> str:
        """The file's path, for messages."""
        return str(self.path)


class Packets(NamedTuple):
    """Content of a container or of a single packet; `first` is the number of its first record in the file."""

    place: str
    first: int
    content: bytes

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)


class Rows(NamedTuple):
    """Rows of a table of alerts: the fields of packets of one survey, a key of `dialects.DIALECTS`."""

    place: str
    first: int
    survey: str
    rows: list[Mapping[str, Any]]
    size: int


Piece = Stored | Packets | Rows | Alert  # an alert that could not be read stands for itself


class Unit(NamedTuple):
    """Pieces in archive order, and the folder of schemas for packets that come without."""

    pieces: tuple[Piece, ...]
    schemas: Path | None


def in_units(pieces: Iterable[Piece], *, schemas: Path | None) -> Iterator[Unit]:
    """Pieces in units of about `UNIT_BYTES` and at most `UNIT_PACKETS`; a larger piece is one by itself."""
    waiting: list[Piece] = []
    size = packets = 0
    for piece in pieces:
        piece_size = 0 if isinstance(piece, Alert) else piece.size
        piece_packets = len(piece.rows) if isinstance(piece, Rows) else 1
        if waiting and (size + piece_size > UNIT_BYTES or packets + piece_packets > UNIT_PACKETS):
            yield Unit(tuple(waiting), schemas)
            waiting, size, packets = [], 0, 0
        waiting.append(piece)
        size, packets = size + piece_size, packets + piece_packets
    if waiting:
        yield Unit(tuple(waiting), schemas)
