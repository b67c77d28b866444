"""From units of work to alerts: whatever a packet holds, it becomes an alert or an alert with its problem."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stampshift.alerts import avro
from stampshift.alerts.containers import Packets, Piece, Rows, Stored, Unit
from stampshift.alerts.dialects import DIALECTS, UNKNOWN_SCHEMA, Alert, alert_of, not_given, unread
from stampshift.core.errors import ArchiveError
from stampshift.formats.inflating import AVRO_CODECS, GZIP_MAGIC, gunzip


def decode(unit: Unit) -> Iterator[Alert]:
    """Alerts of one unit, in order. It raises nothing: a bad packet is an alert with its problem."""
    for piece in unit.pieces:
        try:
            match piece:
                case Alert():
                    yield piece
                case Rows(place, first, survey, rows):
                    for number, row in enumerate(rows, first):
                        yield _alert(row, survey, f"{place}, record {number}")
                case Stored(place):
                    yield from _of_content(Path(place).read_bytes(), place, 0, unit.schemas)
                case Packets(place, first, content):
                    yield from _of_content(content, place, first, unit.schemas)
        except OSError as error:
            yield not_given(piece.place, error)
        except Exception as error:  # a damaged file makes the libraries raise anything
            found = str(error) if isinstance(error, ArchiveError) else f"found {error!r}"
            yield unread(piece.place, f"{piece.place}: expected packets, {found}.")


def dialect_of(piece: Piece, *, schemas: Path | None) -> str | None:
    """Key of `dialects.DIALECTS` by the schema of a piece alone: no packet is decoded.

    `schemas` is the folder of schemas for packets that come without. None where the dialect cannot be known:
    `decode` then reports what is wrong.
    """
    if isinstance(piece, Rows):
        return piece.survey
    if isinstance(piece, Alert):
        return None
    try:
        path = Path(piece.place)
        with path.open("rb") if isinstance(piece, Stored) else io.BytesIO(piece.content) as stream:
            return _dialect_of_stream(stream, schemas)
    except Exception:  # a damaged file makes the libraries raise anything
        return None


def _dialect_of_stream(stream: Any, schemas: Path | None) -> str | None:
    begin = stream.read(max(len(avro.MAGIC), avro.WIRE_HEADER_BYTES))
    stream.seek(0)
    if begin.startswith(GZIP_MAGIC):
        with gzip.open(stream) as inflated:
            return _dialect_of_stream(inflated, schemas)
    if begin.startswith(avro.MAGIC):
        return avro.layout_of(avro.read_header(stream.read(avro.HEADER_BYTES)).schema).survey
    if begin.startswith(avro.WIRE_MAGIC) and schemas is not None:
        return avro.numbered_layout(schemas, avro.schema_number(begin)).survey
    return None


def _of_content(content: bytes, place: str, first: int, schemas: Path | None) -> Iterator[Alert]:
    content = gunzip(content)
    if content.startswith(avro.MAGIC):
        yield from _of_container(content, place, first)
    elif content.startswith(avro.WIRE_MAGIC):
        yield _of_wire(content, place, schemas)
    else:
        found = f"{content[:4]!r}" if content else "an empty file"
        expected = "expected an Avro container (Obj, 1) or Confluent's wire format (0)"
        yield unread(place, f"{place}: {expected}, found {found}.")


def _of_container(content: bytes, place: str, number: int) -> Iterator[Alert]:
    try:
        for block in avro.blocks(content, avro.read_header(content)):
            layout = avro.layout_of(block.header.schema)
            if layout.survey is None:
                most = max(1, min(block.records, block.end - block.begin))
                for record in range(number, number + most):
                    yield _unknown(f"{place}, record {record}", layout)
            else:
                yield from _of_block(content[block.begin : block.end], block, layout, place, number)
            number += max(1, block.records)
    except Exception as error:
        yield unread(place, f"{place}: expected a container's header, found {error!r}.")


def _of_block(data: bytes, block: avro.Block, layout: avro.Layout, place: str, first: int) -> Iterator[Alert]:
    """Alerts of a block, as many as it has records: one that cannot be read says why."""
    number, codec, reason = first, block.header.codec, ""
    expected = f"{block.records} records from {first} on" if block.records else "a block"
    try:
        if codec not in AVRO_CODECS:
            raise ArchiveError(f"found the codec '{codec}', which is none of {', '.join(AVRO_CODECS)}.")
        # compressed bytes that are cut short say nothing; plain ones hold the records before the cut
        inflated = AVRO_CODECS[codec](data) if block.whole or codec == "null" else b""
        for record in avro.records(inflated, count=block.records or len(data), layout=layout):
            yield _alert(record, layout.survey or "", f"{place}, record {number}")
            number += 1
        if number < first + block.records or not block.records:
            reason = f"found {len(data):,} bytes cut short or corrupt. Download the file again."
    except ArchiveError as error:
        reason = str(error)
    except Exception as error:
        reason = f"found {len(data):,} bytes cut short or corrupt ({error!r}). Download the file again."
    if reason:
        for lost in range(number, max(number + 1, first + min(block.records, len(data)))):
            where = f"{place}, record {lost}"
            yield unread(where, f"{where}: expected {expected}, {reason}")


def _alert(record: Any, survey: str, place: str) -> Alert:
    try:
        return alert_of(record, survey=survey, place=place)
    except Exception as error:  # fields of a type that no dialect has
        return unread(place, f"{place}: expected the fields of {survey}, found {error!r}.")


def _of_wire(content: bytes, place: str, schemas: Path | None) -> Alert:
    if len(content) < avro.WIRE_HEADER_BYTES:
        detail = f"{place}: expected a packet in Confluent's wire format, found {len(content)} bytes."
        return unread(place, detail)
    number = avro.schema_number(content)
    try:
        if schemas is None:
            raise LookupError("no folder of schemas was given")
        layout = avro.numbered_layout(schemas, number)
    except Exception as error:
        detail = (
            f"{place}: expected the schema {number} of this packet in Confluent's wire format, found none "
            f"({error}). Name a folder that holds {number}.avsc, or the folder `schema` of the package "
            "lsst-alert-packet."
        )
        return unread(place, detail, UNKNOWN_SCHEMA)
    if layout.survey is None:
        return _unknown(place, layout)
    try:
        (record,) = avro.records(content[avro.WIRE_HEADER_BYTES :], count=1, layout=layout)
    except Exception as error:
        found = f"found it cut short or corrupt ({error!r})"
        return unread(place, f"{place}: expected one packet of schema {number}, {found}.")
    return _alert(record, layout.survey, place)


def _unknown(place: str, layout: avro.Layout) -> Alert:
    found = ", ".join(layout.fields[:20])
    detail = f"{place}: expected the fields of {', '.join(DIALECTS)}, found {found}."
    return unread(place, detail, UNKNOWN_SCHEMA)
