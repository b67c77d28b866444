"""Packets of every dialect, made by hand: small schemas with the fields that count, and a history."""

import gzip
import io
import os
import struct
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
from astropy.io import fits

from stampshift.alerts.avro import blocks, read_header

CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")
SIDE = 31


def images(seed: int, side: int = SIDE) -> tuple[np.ndarray, ...]:
    """Template, science and difference of noise with a source in the latter two, float32."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - side // 2
    source = 40 * np.exp(-(x**2 + y**2) / 8)
    template = generator.normal(100, 3, (side, side))
    difference = generator.normal(0, 4, (side, side)) + source
    return tuple(image.astype(np.float32) for image in (template, template + difference, difference))


def fits_bytes(image: np.ndarray, *, gzipped: bool = False, further_hdus: int = 0) -> bytes:
    file = io.BytesIO()
    hdus: list[Any] = [fits.PrimaryHDU(np.asarray(image, ">f4"))]
    hdus += [fits.ImageHDU(np.full((5, 5), 7.0), name=f"FURTHER{number}") for number in range(further_hdus)]
    fits.HDUList(hdus).writeto(file)
    return gzip.compress(file.getvalue(), mtime=0) if gzipped else file.getvalue()


def record(name: str, *fields: tuple[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields]}


def nullable(kind: Any) -> list[Any]:
    return ["null", kind]


def _history(name: str) -> Any:
    return nullable({"type": "array", "items": record(name, ("jd", "double"), ("note", nullable("string")))})


def _ztf_like(name: str, *, marks: tuple[tuple[str, Any], ...], cutout: Any, template: bool) -> Any:
    kinds = [cutout, "cutout" if isinstance(cutout, dict) else cutout]
    wanted = CUTOUTS if template else CUTOUTS[1:]
    cutouts = [(key, nullable(kinds[number > 0])) for number, key in enumerate(wanted)]
    return record(
        name,
        ("schemavsn", "string"),
        ("objectId", "string"),
        ("candid", "string" if name == "atlas" else "long"),
        ("candidate", record("candidate", ("jd", "double"), *marks)),
        ("prv_candidates", _history("prv_candidate")),
        *cutouts,
    )


CUTOUT = record("cutout", ("fileName", "string"), ("stampData", "bytes"))
SCHEMAS: dict[str, Any] = {
    "ZTF": _ztf_like(
        "ztf",
        marks=(
            ("rcid", "int"),
            ("rb", nullable("float")),
            ("rbversion", nullable("string")),
            ("drb", nullable("float")),
            ("drbversion", nullable("string")),
            ("ssdistnr", nullable("float")),
        ),
        cutout=CUTOUT,
        template=True,
    ),
    "ATLAS": _ztf_like(
        "atlas", marks=(("ChiN", "float"), ("Psc", "int"), ("rb", "float")), cutout=CUTOUT, template=False
    ),
    "PGIR": _ztf_like(
        "pgir",
        marks=(("stackquadid", "int"), ("drb", "float"), ("drbversion", "string")),
        cutout="bytes",
        template=True,
    ),
    "Rubin": record(
        "alert",
        ("diaSourceId", "long"),
        (
            "diaSource",
            record(
                "diaSource",
                ("diaSourceId", "long"),
                ("diaObjectId", nullable("long")),
                ("reliability", nullable("float")),
            ),
        ),
        ("prvDiaSources", nullable({"type": "array", "items": "diaSource"})),
        ("cutoutDifference", nullable("bytes")),
        ("cutoutScience", nullable("bytes")),
        ("cutoutTemplate", nullable("bytes")),
    ),
}


def packet(survey: str, number: int, triplet: tuple[np.ndarray, ...], **changes: Any) -> dict[str, Any]:
    """Fields of a packet; the object is two packets', `changes` are of the outer fields."""
    contents = [
        fits_bytes(image, gzipped=survey in ("ZTF", "PGIR"), further_hdus=2 * (survey == "Rubin"))
        for image in triplet
    ]
    if survey in ("ZTF", "ATLAS"):
        cells: list[Any] = [{"fileName": "a.fits", "stampData": content} for content in contents]
    else:
        cells = list(contents)
    history = [{"jd": 2.4e6 + day, "note": None} for day in range(3)]
    if survey == "Rubin":
        source = {"diaSourceId": number, "diaObjectId": 1000 + number // 2, "reliability": 0.75}
        fields = {"diaSourceId": number, "diaSource": source, "prvDiaSources": [source] * 4}
    else:
        candidate = {"jd": 2.4e6, "rcid": 1, "rb": 0.25, "rbversion": "t1", "drb": 0.5, "drbversion": "d6"}
        candidate |= {"ssdistnr": -999.0, "ChiN": 1.0, "Psc": 0, "stackquadid": 3}
        if survey == "ATLAS":
            candidate["rb"] = 0.0
        known = next(field["type"] for field in SCHEMAS[survey]["fields"] if field["name"] == "candidate")
        candidate = {field["name"]: candidate[field["name"]] for field in known["fields"]}
        fields = {
            "schemavsn": "1",
            "objectId": f"object-{number // 2}",
            "candid": f"a{number}" if survey == "ATLAS" else number,
            "candidate": candidate,
            "prv_candidates": history,
        }
    cutouts = dict(zip(CUTOUTS, cells, strict=True))
    if survey == "ATLAS":
        del cutouts["cutoutTemplate"]
    return fields | cutouts | changes


def packets(survey: str, count: int, *, first: int = 1, **changes: Any) -> list[dict[str, Any]]:
    return [packet(survey, number, images(number), **changes) for number in range(first, first + count)]


def container(
    survey: str, written: list[dict[str, Any]], *, codec: str = "null", per_block: int = 1
) -> bytes:
    """Content of an Avro object container with `per_block` packets in each block."""
    file = io.BytesIO()
    writer = fastavro.write.Writer(file, SCHEMAS[survey], codec=codec, sync_interval=10**9)
    for number, fields in enumerate(written, 1):
        writer.write(fields)
        if number % per_block == 0:
            writer.dump()
    writer.flush()
    return file.getvalue()


def containers(survey: str, count: int, *, first: int = 1) -> list[bytes]:
    """A container for each of some packets, as surveys send them."""
    return [container(survey, [fields]) for fields in packets(survey, count, first=first)]


def recoded(content: bytes, codec: str, data: bytes) -> bytes:
    """A plain container of one block under another codec, of which fastavro may have no writer."""
    header = read_header(content)
    name = bytes([2 * len(codec)]) + codec.encode()
    head = header.content.replace(b"\x08null", name)
    sizes = io.BytesIO()
    for number in (next(blocks(content, header)).records, len(data)):
        fastavro.schemaless_writer(sizes, "long", number)
    return head + sizes.getvalue() + data + header.sync


def records_of(content: bytes) -> bytes:
    block = next(blocks(content, read_header(content)))
    return content[block.begin : block.end]


def wire(survey: str, fields: dict[str, Any], *, schema: int) -> bytes:
    """Content of a packet in Confluent's wire format."""
    file = io.BytesIO()
    file.write(b"\x00" + struct.pack(">I", schema))
    fastavro.schemaless_writer(file, SCHEMAS[survey], fields)
    return file.getvalue()


def write_night(folder: Path, survey: str, count: int, *, first: int = 1) -> Path:
    """A folder of one file per packet."""
    folder.mkdir(parents=True, exist_ok=True)
    for fields in packets(survey, count, first=first):
        name = fields.get("candid", fields.get("diaSourceId"))
        (folder / f"{name}.avro").write_bytes(container(survey, [fields]))
    return folder


def replaced(path: Path, time: float) -> None:
    """Replace a file as `cp -p` and `rsync -t` do: by one of the same size that keeps its own, older time."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-2] + b"x\n")
    os.utime(other, (time, time))
    other.replace(path)
