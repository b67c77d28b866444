"""Avro: object containers block by block, and the schemas of single packets in Confluent's wire format.

Only what an alert needs is decoded. A packet's history of detections is most of its fields, and a schema
takes as long to parse as a packet to read: each schema is parsed once, together with a reader's schema that
holds nothing but a dialect's fields.
"""

import io
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from mmap import mmap
from pathlib import Path
from typing import Any, NamedTuple

from fastavro import parse_schema, schemaless_reader
from fastavro.schema import load_schema

from stampshift.alerts.dialects import DIALECTS, recognised
from stampshift.alerts.shortcut import Shortcut, past_the_history, shortcut_of

MAGIC = b"Obj\x01"
WIRE_MAGIC = b"\x00"
WIRE_HEADER_BYTES = 5
SYNC_BYTES = 16
HEADER_BYTES = 16 << 20  # the longest header: its schema
SIZES_BYTES = 20  # of two numbers
SHORTEST_PACKET = 8  # bytes: fewer say that a number of records is damaged
DAMAGED_MARKS = 8  # one after another
RUBIN_VERSIONS = 100  # Rubin numbers its schemas 100 x major + minor
HEADER_FIELDS = [
    {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": len(MAGIC)}},
    {"name": "meta", "type": {"type": "map", "values": "bytes"}},
    {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": SYNC_BYTES}},
]
HEADER = parse_schema({"type": "record", "name": "header", "fields": HEADER_FIELDS})


class Layout(NamedTuple):
    """How the packets of a schema are read."""

    survey: str | None  # key of `DIALECTS`, None if the fields are those of no dialect
    writer: Any  # parsed schemas of the whole packet and of what is read of it
    reader: Any
    shortcut: Shortcut | None  # past their history; None if they are read in the ordinary way
    fields: tuple[str, ...]  # names of the packet's fields, for messages


def schema_number(packet: bytes) -> int:
    """Number of the schema of a packet in Confluent's wire format."""
    return int.from_bytes(packet[1:WIRE_HEADER_BYTES], "big")


class Header(NamedTuple):
    """Of a container: its codec, its schema (JSON), the mark that ends every block, and its own bytes."""

    codec: str
    schema: bytes
    sync: bytes
    content: bytes


class Block(NamedTuple):
    """Of a container: where its bytes are, and how many records they hold, 0 where that is not known."""

    header: Header
    start: int
    begin: int  # of its records, behind its two numbers
    end: int
    records: int
    whole: bool  # its bytes are all there; nothing else can be relied on if not


def read_header(content: bytes | mmap, start: int = 0) -> Header:
    """Header of a container at an offset; ValueError, EOFError or KeyError if there is none."""
    stream = io.BytesIO(content[start : start + HEADER_BYTES])
    record: Any = schemaless_reader(stream, HEADER, None)
    if record["magic"] != MAGIC:
        raise ValueError(f"it begins with {record['magic']!r}")
    meta, own = record["meta"], content[start : start + stream.tell()]
    return Header(meta.get("avro.codec", b"null").decode(), meta["avro.schema"], record["sync"], own)


def blocks(content: bytes | mmap, header: Header) -> Iterator[Block]:
    """Blocks of a container, and of further ones that were joined to it.

    Behind damage it goes on at the next mark, wherever that is. Where a mark alone is damaged, nothing else
    is lost. Raises as `read_header` if a joined container has a damaged header.
    """
    start = len(header.content)
    while start < len(content):
        if content[start : start + len(MAGIC)] == MAGIC:
            header = read_header(content, start)
            start += len(header.content)
            continue
        block = _block(content, start, header)
        if block.records or not block.whole:  # a writer may leave an empty one
            yield block
        start = block.end + SYNC_BYTES


def _block(content: bytes | mmap, start: int, header: Header) -> Block:
    records, begin, end = _sizes(content, start)
    likely = 0 < SHORTEST_PACKET * records <= end - begin
    marked = records >= 0 and content[end : end + SYNC_BYTES] == header.sync
    if marked or (likely and _goes_on(content, end + SYNC_BYTES, header.sync, DAMAGED_MARKS)):
        return Block(header, start, begin, end, records, whole=True)
    found = content.find(header.sync, start)
    if found >= 0:
        return Block(header, start, begin, found, 0, whole=False)
    return Block(header, start, begin, len(content), records if likely else 0, whole=False)


def _sizes(content: bytes | mmap, start: int) -> tuple[int, int, int]:
    """Number of records of the block at an offset, and where they begin and end; -1 if that is none."""
    stream = io.BytesIO(content[start : start + SIZES_BYTES])
    try:
        records: Any = schemaless_reader(stream, "long", None)
        size: Any = schemaless_reader(stream, "long", None)
    except (EOFError, IndexError, ValueError):
        return -1, start, start
    begin = start + stream.tell()
    return (records, begin, begin + size) if records >= 0 and size >= 0 else (-1, begin, begin)


def _goes_on(content: bytes | mmap, start: int, sync: bytes, marks: int) -> bool:
    """Whether a block, a container or the end is at an offset: then the mark before it alone is damaged."""
    if start == len(content) or content[start : start + len(MAGIC)] == MAGIC:
        return True
    records, begin, end = _sizes(content, start)
    behind = end + SYNC_BYTES
    if not 0 < SHORTEST_PACKET * records <= end - begin or not marks or behind > len(content):
        return False
    return content[end:behind] == sync or _goes_on(content, behind, sync, marks - 1)


def records(data: bytes, *, count: int, layout: Layout) -> Iterator[Mapping[str, Any]]:
    """Packets that follow each other in inflated bytes, at most `count`.

    Any exception is raised where what follows is no packet, or bytes are left behind the last one.
    """
    if layout.shortcut is not None:
        packets = past_the_history(data, count=count, shortcut=layout.shortcut)
        if packets is not None:
            yield from packets
            return
    stream = io.BytesIO(data)
    for _ in range(count):
        if stream.tell() == len(data):
            return
        record: Any = schemaless_reader(stream, layout.writer, layout.reader)
        yield record
    if stream.tell() < len(data):
        raise ValueError(f"{len(data) - stream.tell()} more bytes")


def head(data: bytes, layout: Layout) -> Mapping[str, Any]:
    """What is read of the packet that begins some inflated bytes, without its cutouts.

    Of most schemas nothing behind the identifiers is touched. Any exception if it is no such packet.
    """
    schemas = layout.shortcut.head if layout.shortcut is not None else (layout.writer, layout.reader)
    record: Any = schemaless_reader(io.BytesIO(data), *schemas)
    cutouts = DIALECTS[layout.survey].cutouts if layout.survey else ()
    return {name: value for name, value in record.items() if name not in cutouts}


@lru_cache(maxsize=64)  # a night has few schemas
def layout_of(schema: bytes) -> Layout:
    """How packets of a schema (JSON) are read; see `layout_of_schema`."""
    return layout_of_schema(json.loads(schema))


@lru_cache(maxsize=64)
def numbered_layout(folder: Path, number: int) -> Layout:
    """How packets of the schema are read that Confluent's wire format names by a number.

    It is in a folder under its number, or in Rubin's layout by version. Raises LookupError if it does not.
    """
    major, minor = divmod(number, RUBIN_VERSIONS)
    rubin = f"lsst.v{major}_{minor}.alert.avsc"
    within = Path(str(major), str(minor), rubin)
    places = [folder / f"{number}.avsc", folder / rubin, folder / within, folder / "schema" / within]
    for path in places:
        if path.name == rubin and path.is_file():
            return layout_of_schema(load_schema(str(path)))  # parts of the schema are in files beside it
        if path.is_file():
            return layout_of_schema(json.loads(path.read_text(encoding="utf-8")))
    raise LookupError(f"no {' or '.join(map(str, places))}")


def layout_of_schema(schema: Any) -> Layout:
    """How packets of a schema are read; any exception if it is no schema of a record."""
    writer: Any = parse_schema(schema)
    named = writer.get("__named_schemas", {})
    fields = tuple(field["name"] for field in writer["fields"])
    survey = recognised(set(_paths(writer, named, "", 2)))
    if survey is None:
        return Layout(None, writer, None, None, fields)
    wanted: dict[str, set[str]] = {}
    for path in DIALECTS[survey].paths:
        name, _, nested = path.partition(".")
        wanted.setdefault(name, set()).add(nested)
    reader: Any = parse_schema(_projected(writer, wanted, named, set()))
    shortcut = shortcut_of(writer, reader, DIALECTS[survey].cutouts)
    return Layout(survey, writer, reader, shortcut, fields)


def _paths(schema: Any, named: Mapping[str, Any], prefix: str, depth: int) -> Iterator[str]:
    """Fields of a record, or of the records in a union, and of those in them, as dotted paths."""
    for kind in schema if isinstance(schema, list) else [schema]:
        record = named.get(kind, kind) if isinstance(kind, str) else kind
        if isinstance(record, dict) and record.get("type") == "record" and depth:
            for field in record["fields"]:
                yield f"{prefix}{field['name']}"
                yield from _paths(field["type"], named, f"{prefix}{field['name']}.", depth - 1)


def _projected(schema: Any, wanted: Mapping[str, set[str]], named: Mapping[str, Any], known: set[str]) -> Any:
    """`schema` with the wanted fields alone, and of these the wanted nested ones."""
    if isinstance(schema, list):
        return [_projected(kind, wanted, named, known) for kind in schema]
    record = named.get(schema, schema) if isinstance(schema, str) else schema
    if not isinstance(record, dict) or record.get("type") != "record":
        return record
    if record["name"] in known:
        return record["name"]
    known.add(record["name"])
    fields = [
        {"name": name, "type": _projected(field["type"], {key: set() for key in wanted[name]}, named, known)}
        for field in record["fields"]
        if (name := field["name"]) in wanted
    ]
    return {"type": "record", "name": record["name"], "fields": fields}
