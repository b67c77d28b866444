"""Avro: object containers block by block, and the schemas of single packets in Confluent's wire format.

Only what an alert needs is decoded. A packet's history of detections is most of its fields, and a schema
takes as long to parse as a packet to read: each schema is parsed once, together with a reader's schema that
holds nothing but a dialect's fields.
"""

import bz2
import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import cramjam
from fastavro import parse_schema, schemaless_reader
from fastavro.schema import load_schema

from stampshift.alerts.dialects import DIALECTS, recognised
from stampshift.alerts.shortcut import Shortcut, past_the_history, shortcut_of

MAGIC = b"Obj\x01"
WIRE_MAGIC = b"\x00"
WIRE_HEADER_BYTES = 5
SYNC_BYTES = 16
CHECKSUM_BYTES = 4  # after a snappy block
RUBIN_VERSIONS = 100  # Rubin numbers its schemas 100 x major + minor
HEADER_FIELDS = [
    {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": len(MAGIC)}},
    {"name": "meta", "type": {"type": "map", "values": "bytes"}},
    {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": SYNC_BYTES}},
]
HEADER = parse_schema({"type": "record", "name": "header", "fields": HEADER_FIELDS})


def _unsnappy(data: bytes) -> bytes:
    inflated = bytes(cramjam.snappy.decompress_raw(data[:-CHECKSUM_BYTES]))
    if zlib.crc32(inflated) != int.from_bytes(data[-CHECKSUM_BYTES:], "big"):
        raise ValueError("its checksum differs")
    return inflated


INFLATE: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": lambda data: zlib.decompress(data, wbits=-15),
    "snappy": _unsnappy,
    "zstandard": lambda data: bytes(cramjam.zstd.decompress(data)),
    "bzip2": bz2.decompress,
    "xz": lzma.decompress,
}


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
    """Of a container: its codec, its schema (JSON), and the mark that ends every block."""

    codec: str
    schema: bytes
    sync: bytes


class Block(NamedTuple):
    """Of a container: its number of records and their bytes; neither can be relied on if it is not whole."""

    records: int
    data: bytes
    whole: bool


def read_header(stream: BinaryIO) -> Header:
    """Header of a container at the beginning of `stream`; ValueError, EOFError or KeyError if it is none."""
    record: Any = schemaless_reader(stream, HEADER, None)
    if record["magic"] != MAGIC:
        raise ValueError(f"it begins with {record['magic']!r}")
    meta = record["meta"]
    return Header(meta.get("avro.codec", b"null").decode(), meta["avro.schema"], record["sync"])


def read_sizes(stream: BinaryIO) -> tuple[int, int]:
    """Number of records and bytes of the block at which `stream` is; (0, -1) if that is none."""
    try:
        count: Any = schemaless_reader(stream, "long", None)
        size: Any = schemaless_reader(stream, "long", None)
    except (EOFError, IndexError, ValueError):
        return 0, -1
    return count, size


def blocks(content: bytes, *, start: int, sync: bytes) -> Iterator[Block]:
    """Blocks of a container from an offset on; of a damaged one what there is up to the next mark."""
    while start < len(content):
        stream = io.BytesIO(content)
        stream.seek(start)
        count, size = read_sizes(stream)
        begin = stream.tell()
        whole = size >= 0 and content[begin + size : begin + size + SYNC_BYTES] == sync
        end = begin + size if whole else content.find(sync, start)
        end = len(content) if end < 0 else end
        yield Block(count, content[begin:end], whole)
        start = end + SYNC_BYTES


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
