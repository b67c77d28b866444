"""From units of work to alerts: whatever a packet holds, it becomes an alert or an alert with its problem."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stampshift.alerts import avro
from stampshift.alerts.containers import Packets, Piece, Rows, Stored, Unit
from stampshift.alerts.dialects import DIALECTS, UNKNOWN_SCHEMA, Alert, alert_of, unread
from stampshift.formats.fits import GZIP_MAGIC


def decode(unit: Unit) -> Iterator[Alert]:
    """Alerts of one unit, in order. It raises nothing: a bad packet is an alert with its problem."""
    for piece in unit.pieces:
        try:
            match piece:
                case Alert():
                    yield piece
                case Rows(place, first, survey, rows):
                    for number, row in enumerate(rows, first):
                        yield alert_of(row, survey=survey, place=f"{place}, record {number}")
                case Stored(place):
                    yield from _of_content(Path(place).read_bytes(), place, 0, unit.schemas)
                case Packets(place, first, content):
                    yield from _of_content(content, place, first, unit.schemas)
        except Exception as error:  # a damaged file makes the libraries raise anything
            detail = f"{piece.place}: expected packets, found {error!r}."
            yield unread(piece.place, detail)


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
        return avro.layout_of(avro.read_header(stream).schema).survey
    if begin.startswith(avro.WIRE_MAGIC) and schemas is not None:
        return avro.numbered_layout(schemas, avro.schema_number(begin)).survey
    return None


def _of_content(content: bytes, place: str, first: int, schemas: Path | None) -> Iterator[Alert]:
    if content.startswith(GZIP_MAGIC):
        content = gzip.decompress(content)
    if content.startswith(avro.MAGIC):
        yield from _of_container(content, place, first)
    elif content.startswith(avro.WIRE_MAGIC):
        yield _of_wire(content, place, schemas)
    else:
        found = f"{content[:4]!r}" if content else "an empty file"
        expected = "expected an Avro container (Obj, 1) or Confluent's wire format (0)"
        yield unread(place, f"{place}: {expected}, found {found}.")


def _of_container(content: bytes, place: str, number: int) -> Iterator[Alert]:
    stream = io.BytesIO(content)
    try:
        header = avro.read_header(stream)
        layout = avro.layout_of(header.schema)
    except Exception as error:
        yield unread(place, f"{place}: expected a container's header, found {error!r}.")
        return
    for block in avro.blocks(content, start=stream.tell(), sync=header.sync):
        if layout.survey is None:
            for record in range(number, number + max(min(block.records, len(block.data)), 1)):
                yield _unknown(f"{place}, record {record}", layout)
        else:
            yield from _of_block(block, layout, header.codec, place, number)
        number += block.records


def _of_block(block: avro.Block, layout: avro.Layout, codec: str, place: str, first: int) -> Iterator[Alert]:
    number, reason = first, ""
    try:
        # compressed bytes that are cut short say nothing; plain ones hold the records before the cut
        data = avro.INFLATE[codec](block.data) if block.whole or codec == "null" else b""
        for record in avro.records(data, count=block.records, layout=layout):
            yield alert_of(record, survey=layout.survey or "", place=f"{place}, record {number}")
            number += 1
        if not block.whole or number < first + block.records:
            reason = "fewer bytes"
    except Exception as error:
        reason = repr(error)
    if reason:
        where = f"{place}, record {number}"
        detail = (
            f"{where}: expected {block.records} records from {first} on, found the block cut short or "
            f"corrupt ({reason}). Download the file again."
        )
        yield unread(where, detail)


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
    return alert_of(record, survey=layout.survey, place=place)


def _unknown(place: str, layout: avro.Layout) -> Alert:
    found = ", ".join(layout.fields[:20])
    detail = f"{place}: expected the fields of {', '.join(DIALECTS)}, found {found}."
    return unread(place, detail, UNKNOWN_SCHEMA)
