"""Units of work: what is handed to the process that decodes it, bounded and picklable."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

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

    @property
    def packets(self) -> int:
        """At least so many."""
        return 1


class Packets(NamedTuple):
    """Content of a container or of a single packet; `first` is the number of its first record in the file."""

    place: str
    first: int
    content: bytes

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)

    @property
    def packets(self) -> int:
        """At least so many."""
        return 1


class Rows(NamedTuple):
    """Rows of a table of alerts: the fields of packets of one survey, a key of `dialects.DIALECTS`."""

    place: str
    first: int
    survey: str
    rows: list[Mapping[str, Any]]
    size: int

    @property
    def packets(self) -> int:
        """Number of rows."""
        return len(self.rows)


class Broken(NamedTuple):
    """A place at which there is a problem, one of `packet.PROBLEMS`, and no packet."""

    place: str
    problem: str
    detail: str

    @property
    def size(self) -> int:
        """Nothing."""
        return 0

    @property
    def packets(self) -> int:
        """One, that could not be read."""
        return 1


Piece = Stored | Packets | Rows | Broken


class Unit(NamedTuple):
    """Pieces in archive order, and the folder of schemas for packets that come without."""

    pieces: tuple[Piece, ...]
    schemas: Path | None


def in_units(pieces: Iterable[Piece], *, schemas: Path | None) -> Iterator[Unit]:
    """Pieces in units of about `UNIT_BYTES`, at most `UNIT_PACKETS` pieces; a larger piece has its own."""
    waiting: list[Piece] = []
    size = packets = 0
    for piece in pieces:
        if waiting and (size + piece.size > UNIT_BYTES or packets + piece.packets > UNIT_PACKETS):
            yield Unit(tuple(waiting), schemas)
            waiting, size, packets = [], 0, 0
        waiting.append(piece)
        size, packets = size + piece.size, packets + piece.packets
    if waiting:
        yield Unit(tuple(waiting), schemas)
