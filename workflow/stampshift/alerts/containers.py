"""Where packets are: files, folders, tar(.gz) nights and Parquet, read as a stream, in units of work.

A unit is handed to the process that decodes it, bounded and picklable. Memory is bounded by a unit of some
megabytes, or by one member of a tar or one block of a container, where these are larger.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from stampshift.alerts.avro import MAGIC, SYNC_BYTES, Block, blocks, read_header
from stampshift.alerts.dialects import (
    DIALECTS,
    STAMP_DATA,
    UNKNOWN_SCHEMA,
    Alert,
    not_given,
    recognised,
    unread,
)
from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import TAR, find, listing, tar_members
from stampshift.formats.inflating import TooLargeError, check_size, most_bytes

log = logging.getLogger(__name__)

PACKET = re.compile(r"[^.].*\.avro(\.gz)?", re.IGNORECASE)
TABLE = re.compile(r".*\.parquet", re.IGNORECASE)
ANY = re.compile(f"{PACKET.pattern}|{TAR.pattern}|{TABLE.pattern}", re.IGNORECASE)
UNIT_BYTES = 4 << 20
UNIT_PACKETS = 256
BATCH_ROWS = 64  # about 5 MB
REMEDY = "Give files *.avro, *.tar (also .gz, .bz2, .xz, .zst) or *.parquet of alerts, or a folder of them."


class Stored(NamedTuple):
    """A file of at most `UNIT_BYTES`, or with a single packet, read by the process that decodes it."""

    place: str
    size: int


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


Piece = Stored | Packets | Rows | Alert  # an alert that could not be read is passed on as it is


class Unit(NamedTuple):
    """Pieces in archive order, and the folder of schemas for packets that come without."""

    pieces: tuple[Piece, ...]
    schemas: Path | None


def files(paths: Sequence[Path], *, links_to_nowhere: bool = True) -> list[Path]:
    """Files of packets: those given, whatever their names are, and those of folders (recursively).

    Of a folder ``*.avro``, ``*.avro.gz``, ``*.parquet`` and tars, compressed or not, in natural order, and
    links to nowhere of such names, as files that the system does not give. Raises ArchiveError if a path does
    not exist, or there is no file at all.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_file():
            found.append(path)
        else:
            found += find([path], ANY, archive="alert", remedy=REMEDY, links_to_nowhere=links_to_nowhere)
    if not found:
        raise ArchiveError(f"{listing(paths)}: contains no file of alerts. {REMEDY}")
    return found


def units(paths: Sequence[Path], *, schemas: Path | None = None) -> Iterator[Unit]:
    """Units of work in archive order, for `decode` in any process; paths as those of `files`.

    A unit holds about `UNIT_BYTES` and at most `UNIT_PACKETS`; a larger piece is a unit alone. `schemas` is
    a folder of schemas for packets in Confluent's wire format, which come without: ``<id>.avsc``, or the
    folders of Rubin's package lsst-alert-packet. A damaged file raises nothing: it yields what is whole
    before the damage, and a piece that says so.
    """
    return grouped(_pieces(files(paths)), schemas=schemas)


def grouped(pieces: Iterable[Piece], *, schemas: Path | None) -> Iterator[Unit]:
    """Units of pieces in their order, as `units`."""
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


def _pieces(found: Sequence[Path]) -> Iterator[Piece]:
    for path in found:
        try:
            if TAR.fullmatch(path.name):
                yield from _of_tar(path)
            elif TABLE.fullmatch(path.name):
                yield from _of_table(path)
            else:
                yield from _of_file(path)
        except ArchiveError as error:
            yield unread(str(path), str(error))
        except OSError as error:
            yield not_given(str(path), error)


def _of_file(path: Path) -> Iterator[Piece]:
    size = path.stat().st_size
    if size > UNIT_BYTES:
        with path.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
            if content[: len(MAGIC)] == MAGIC:
                yield from _of_large(content, str(path))
                return
    yield Stored(str(path), size)


def _of_large(content: mmap, place: str) -> Iterator[Piece]:
    """Parts of a large container, each a small container itself."""
    waiting: list[Block] = []
    number = 0

    def part() -> Packets:
        head, first, last = waiting[0].header.content, waiting[0], waiting[-1]
        return Packets(place, number, head + content[first.start : last.end + SYNC_BYTES])

    try:
        for block in blocks(content, read_header(content)):
            joined = waiting and block.header is not waiting[0].header
            if waiting and (joined or block.end - waiting[0].start > UNIT_BYTES):
                yield part()
                number += sum(max(1, each.records) for each in waiting)
                waiting.clear()
            if block.end - block.begin > most_bytes():
                yield from _lost(place, number, max(1, block.records), str(TooLargeError("a block")))
                number += max(1, block.records)
            else:
                waiting.append(block)
    except (ValueError, EOFError, KeyError, IndexError) as error:
        yield from [part()] if waiting else []
        waiting.clear()
        yield unread(place, f"{place}: expected the header of an Avro container, found {error!r}.")
    if waiting:
        yield part()


def _lost(place: str, first: int, records: int, reason: str) -> Iterator[Alert]:
    """A line for each of the records that cannot be read."""
    for number in range(first, first + records):
        yield unread(f"{place}, record {number}", f"{place}, record {number}: {reason}")


def _of_tar(path: Path) -> Iterator[Piece]:
    member = None
    for member in tar_members(path, PACKET, archive="alert", contents=True):
        yield Packets(f"{path}, member {member.name}", 0, member.content)
    if member is None:
        yield unread(str(path), f"{path}: expected members *.avro, found none. {REMEDY}")


def _of_table(path: Path) -> Iterator[Piece]:
    """Batches of rows; of the columns, those of the dialect."""
    try:
        # buffered, a column chunk is not read as a whole
        with pq.ParquetFile(path, buffer_size=1 << 20, page_checksum_verification=True) as table:
            columns = dict(_columns(table.schema_arrow, "", 2))
            survey = recognised(columns.keys())
            if survey is None:
                names = ", ".join(table.schema_arrow.names[:20])
                detail = f"{path}: expected the fields of {', '.join(DIALECTS)}, found {names}. {REMEDY}"
                yield unread(str(path), detail, UNKNOWN_SCHEMA)
                return
            wanted = [name for name in DIALECTS[survey].paths if name in columns]
            wanted += [name for name in DIALECTS[survey].cutouts if f"{name}.{STAMP_DATA}" not in columns]
            for name in DIALECTS[survey].identifiers:
                if name in columns and pa.types.is_floating(columns[name]):
                    log.warning(
                        "%s: %s is a column of doubles, whose whole numbers beyond 2^53 are not exact: such "
                        "alerts get no identifier. Store it as 64-bit integers or as text.", path, name,
                    )  # fmt: skip
            first = 0
            for group in range(table.num_row_groups):
                yield from _of_group(table, group, first, survey, wanted, str(path))
                first += table.metadata.row_group(group).num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system
        yield unread(str(path), f"{path}: expected a complete Parquet file, found it damaged ({error}).")


def _of_group(
    table: pq.ParquetFile, group: int, first: int, survey: str, wanted: list[str], place: str
) -> Iterator[Piece]:
    """Batches of a group of rows; of one that is damaged, a line for each row that cannot be read."""
    known, number = table.metadata.row_group(group), first
    try:
        check_size(known.total_byte_size // max(1, known.num_rows), "each row of its group")
        for batch in table.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], columns=wanted):
            yield Rows(place, number, survey, batch.to_pylist(), batch.nbytes)
            number += batch.num_rows
    except (pa.ArrowException, OSError, ValueError, ArchiveError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system
        lost = min(first + known.num_rows - number, known.total_byte_size)
        yield from _lost(place, number, lost, f"expected a row of a complete Parquet file, found {error}.")


def _columns(fields: Any, prefix: str, depth: int) -> Iterator[tuple[str, pa.DataType]]:
    """Columns of a schema or fields of a struct, as dotted paths, with their types."""
    for field in fields:
        yield f"{prefix}{field.name}", field.type
        if pa.types.is_struct(field.type) and depth > 1:
            yield from _columns(field.type, f"{prefix}{field.name}.", depth - 1)
