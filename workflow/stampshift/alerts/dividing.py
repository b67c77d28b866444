"""Units of packets, divided to find the one that ends whatever reads it, and what is said of that one."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from fastavro import schemaless_reader, schemaless_writer

from stampshift.alerts import avro
from stampshift.alerts.containers import Packets, Piece, Rows, Stored, Unit
from stampshift.alerts.dialects import DIALECTS, Alert, alert_of, unread
from stampshift.formats.inflating import AVRO_CODECS, gunzip


def divide(unit: Unit) -> list[Unit]:
    """Two halves of a unit, with the same alerts in the same order; itself alone if it cannot be divided.

    Pieces are divided first, then a container's blocks, then the records of a block, or a table's rows.
    """
    pieces: Sequence[Piece] = unit.pieces
    if len(pieces) == 1:
        try:
            pieces = list(_parts(pieces[0]))
        except Exception:  # a damaged file makes the libraries raise anything
            return [unit]
    middle = len(pieces) // 2
    halves = (pieces[:middle], pieces[middle:]) if middle else (pieces,)
    return [Unit(tuple(half), unit.schemas) for half in halves]


def join(units: Sequence[Unit]) -> Unit:
    """What was divided, together again."""
    return Unit(tuple(chain.from_iterable(unit.pieces for unit in units)), units[0].schemas)


def lost(unit: Unit, reason: str, named: bool) -> Unit:
    """A unit in place of one that cannot be divided, with nothing but the reason and identifiers.

    Those of a table's rows are known. To have those of packets, the first fields of each one, or of the first
    in a block, are read if they are to be `named`.
    """
    pieces = chain.from_iterable(_lost(piece, reason, unit.schemas, named) for piece in unit.pieces)
    return Unit(tuple(pieces), unit.schemas)


def unreadable(place: str, reason: str) -> Alert:
    """An alert that ended the process that read it."""
    return unread(place, f"{place}: cannot be read: {reason}.")


def _parts(piece: Piece) -> Iterator[Piece]:
    if isinstance(piece, Rows):
        middle = max(1, len(piece.rows) // 2)
        halves = ((0, piece.rows[:middle]), (middle, piece.rows[middle:]))
        yield from (piece._replace(first=piece.first + start, rows=rows) for start, rows in halves if rows)
        return
    content = b"" if isinstance(piece, Alert) else _content(piece)
    if not content.startswith(avro.MAGIC):
        yield piece
        return
    found = list(_blocks(content, piece.place, getattr(piece, "first", 0)))
    if len(found) == 1:
        number, block, whole = found[0]
        yield from _halves(whole, content[block.begin : block.end], block, number)
    else:
        yield from (whole for _, _, whole in found)


def _content(piece: Stored | Packets) -> bytes:
    return gunzip(Path(piece.place).read_bytes() if isinstance(piece, Stored) else piece.content)


def _blocks(content: bytes, place: str, number: int) -> Iterator[tuple[int, Any, Piece]]:
    """Blocks of a container: the number of the first record, the block, and a container of it alone."""
    try:
        for block in avro.blocks(content, avro.read_header(content)):
            own = block.header.content + content[block.start : block.end + avro.SYNC_BYTES]
            yield number, block, Packets(place, number, own)
            number += max(1, block.records)
    except (ValueError, EOFError, KeyError, IndexError) as error:
        detail = f"{place}: expected a container's header, found {error!r}."
        yield number, None, unread(place, detail)


def _halves(whole: Piece, data: bytes, block: avro.Block, number: int) -> Iterator[Piece]:
    """Two containers of the records of a block, or the one that it is if that has a single record."""
    layout = avro.layout_of(block.header.schema)
    data = AVRO_CODECS[block.header.codec](data)
    stream, ends = io.BytesIO(data), [0]
    for _ in range(block.records):
        schemaless_reader(stream, layout.writer, layout.reader)
        ends.append(stream.tell())
    middle = block.records // 2
    if not middle or ends[-1] != len(data):
        yield whole
        return
    for first, last in ((0, middle), (middle, block.records)):
        own = _container(block.header, last - first, data[ends[first] : ends[last]])
        yield Packets(whole.place, number + first, own)


def _container(header: avro.Header, count: int, data: bytes) -> bytes:
    stream = io.BytesIO()
    meta = {"avro.codec": b"null", "avro.schema": header.schema}
    schemaless_writer(stream, avro.HEADER, {"magic": avro.MAGIC, "meta": meta, "sync": header.sync})
    for value in (count, len(data)):
        schemaless_writer(stream, "long", value)
    return stream.getvalue() + data + header.sync


def _lost(piece: Piece, reason: str, schemas: Path | None, named: bool) -> Iterator[Alert]:
    if isinstance(piece, Alert):
        yield piece
    elif isinstance(piece, Rows):
        for number, row in enumerate(piece.rows, piece.first):
            known = {
                key: cell for key, cell in row.items() if not key.startswith(DIALECTS[piece.survey].cutouts)
            }
            yield _identified(known, piece.survey, f"{piece.place}, record {number}", reason)
    else:
        yield from _lost_packets(piece, reason, schemas, named)


def _identified(known: Mapping[str, Any], survey: str, place: str, reason: str) -> Alert:
    """An alert that ended the process that read it, and of which fields other than the cutouts are known."""
    alert = alert_of(known, survey=survey, place=place)
    return replace(unreadable(place, reason), survey=survey, identifier=alert.identifier, group=alert.group)


def _lost_packets(piece: Stored | Packets, reason: str, schemas: Path | None, named: bool) -> Iterator[Alert]:
    """An alert for every record of a container, as `decode` has; its bytes are counted, not read."""
    try:
        content = _content(piece)
    except Exception:  # it cannot even be inflated
        content = b""
    if not content.startswith(avro.MAGIC):
        yield (
            _first(content, None, schemas, piece.place, reason) if named else unreadable(piece.place, reason)
        )
        return
    for number, block, part in _blocks(content, piece.place, getattr(piece, "first", 0)):
        if block is None:
            yield from [part] if isinstance(part, Alert) else []
            continue
        for record in range(number, number + max(1, min(block.records, block.end - block.begin))):
            place = f"{piece.place}, record {record}"
            if named and record == number:
                yield _first(content, block, schemas, place, reason)
            else:
                yield unreadable(place, reason)


def _first(content: bytes, block: avro.Block | None, schemas: Path | None, place: str, reason: str) -> Alert:
    """The first packet of a block, or that of Confluent's wire format, with its identifiers if it has any."""
    try:
        if block is not None:
            layout = avro.layout_of(block.header.schema)
            data = AVRO_CODECS[block.header.codec](content[block.begin : block.end])
        elif content.startswith(avro.WIRE_MAGIC) and schemas is not None:
            layout = avro.numbered_layout(schemas, avro.schema_number(content))
            data = content[avro.WIRE_HEADER_BYTES :]
        else:
            return unreadable(place, reason)
        return _identified(avro.head(data, layout), layout.survey or "", place, reason)
    except Exception:  # a damaged file makes the libraries raise anything
        return unreadable(place, reason)
