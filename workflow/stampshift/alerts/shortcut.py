"""Past the history of a packet: from its first fields straight to its cutouts.

Hundreds of earlier detections, with a hundred fields each, stand between them in a packet of Rubin, and Avro
can only be skipped field by field: 15 ms for a packet of a deep field. The cutouts are found by how a FITS
file begins instead. Nothing is taken on trust: all three have to follow each other as bytes of the length
that precedes them, what is behind them has to be read, and the last packet has to end where its block does.
Otherwise the block is read the ordinary way.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastavro import parse_schema, schemaless_reader

FITS_MAGIC = b"SIMPLE  ="
MORE = 0x80  # of a byte of a variable-length integer: another one follows


class Shortcut(NamedTuple):
    """How the packets of a schema are read past their history."""

    head: tuple[Any, Any]  # schemas of the fields before the history: as written, and as read
    cutouts: tuple[str, ...]  # fields of the cutouts, in the order of the packet
    branches: tuple[bytes, ...]  # of each, the bytes that say that it is not null
    tail: tuple[Any, Any] | None  # schemas of the fields behind the cutouts, as written and as read (nothing)


def shortcut_of(
    writer: Mapping[str, Any], reader: Mapping[str, Any], cutouts: Sequence[str]
) -> Shortcut | None:
    """How packets of these schemas are read past their history; None if that cannot be, or there is none."""
    fields = writer["fields"]
    names = [field["name"] for field in fields]
    wanted = [field["name"] for field in reader["fields"]]
    if not set(cutouts) <= set(names):
        return None
    first = min(names.index(name) for name in cutouts)
    last = first + len(cutouts)
    ahead = [name for name in wanted if name not in cutouts]
    head = max((names.index(name) for name in ahead), default=-1) + 1
    branches = [_branch(field["type"]) for field in fields[first:last]]
    if set(names[first:last]) != set(cutouts) or head >= first or None in branches:
        return None
    try:
        head_read = [field for field in reader["fields"] if field["name"] in ahead]
        return Shortcut(
            (_record(writer, fields[:head]), _record(writer, head_read)),
            tuple(names[first:last]),
            tuple(branch for branch in branches if branch is not None),
            (_record(writer, fields[last:]), _record(writer, [])) if fields[last:] else None,
        )
    except Exception:  # a field refers to a type that is defined in the history
        return None


def past_the_history(data: bytes, *, count: int, shortcut: Shortcut) -> list[Mapping[str, Any]] | None:
    """The packets of a block's inflated bytes; None if they are not as the shortcut expects them."""
    stream = io.BytesIO(data)
    packets = []
    try:
        for _ in range(count):
            packet: Any = schemaless_reader(stream, *shortcut.head)
            images, end = _cutouts(data, stream.tell(), shortcut)
            packets.append(packet | images)
            stream.seek(end)
            if shortcut.tail:
                schemaless_reader(stream, *shortcut.tail)
    except Exception:  # the ordinary way reports what is wrong
        return None
    return packets if stream.tell() == len(data) else None


def _cutouts(data: bytes, start: int, shortcut: Shortcut) -> tuple[dict[str, bytes], int]:
    """Contents of the cutouts and where the last one ends; ValueError if they do not follow each other."""
    at = data.index(FITS_MAGIC, start)
    begin = at - 1
    while data[begin - 1] & MORE:
        begin -= 1
    begin -= len(shortcut.branches[0])
    images = {}
    for name, branch in zip(shortcut.cutouts, shortcut.branches, strict=True):
        if data[begin : begin + len(branch)] != branch:
            raise ValueError(name)
        stream = io.BytesIO(data)
        stream.seek(begin + len(branch))
        size: Any = schemaless_reader(stream, "long", None)
        at = stream.tell()
        if not data.startswith(FITS_MAGIC, at) or at + size > len(data):
            raise ValueError(name)
        images[name] = data[at : at + size]
        begin = at + size
    return images, begin


def _branch(kind: Any) -> bytes | None:
    """Bytes before the length of a cutout: which of null and bytes it is; None if it can be anything else."""
    if kind == "bytes":
        return b""
    if isinstance(kind, list) and sorted(map(str, kind)) == ["bytes", "null"]:
        return bytes([2 * kind.index("bytes")])
    return None


def _record(writer: Mapping[str, Any], fields: Sequence[Any]) -> Any:
    return parse_schema({"type": "record", "name": writer["name"], "fields": list(fields)})
