"""Sound nights of alerts in every dialect and container that `stampshift score` reads."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cramjam
import pandas as pd
from pyarrow import CompressedOutputStream

from alert_packets import SCHEMAS, container, packets, recoded, records_of, wire, write_night


def nights(folder: Path) -> Iterator[tuple[str, Path, list[Any]]]:
    """Nights of every dialect in every container: name, file to damage, and further arguments."""
    folder.mkdir()
    for survey in SCHEMAS:
        path = folder / f"{survey}.avro"
        path.write_bytes(container(survey, packets(survey, 6), per_block=2))
        yield survey, path, []
    for codec in ("deflate", "snappy", "bzip2", "xz"):
        path = folder / f"{codec}.avro"
        path.write_bytes(container("ZTF", packets("ZTF", 6), codec=codec, per_block=2))
        yield codec, path, []
    plain = container("ZTF", packets("ZTF", 3), per_block=3)
    for codec, data in {
        "zstandard": cramjam.zstd.compress(records_of(plain)),
        "lz4": cramjam.lz4.compress_block(records_of(plain), store_size=True),
    }.items():
        path = folder / f"{codec}.avro"
        path.write_bytes(recoded(plain, codec, bytes(data)))
        yield codec, path, []
    some = write_night(folder / "some", "PGIR", 3)
    yield "one of a folder", sorted(some.iterdir())[1], []
    single = [container("Rubin", [each]) for each in packets("Rubin", 4)]
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for number, content in enumerate(single):
            member = tarfile.TarInfo(f"{number}.avro")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (folder / "night.tar").write_bytes(tar.getvalue())
    yield "tar", folder / "night.tar", []
    for suffix, codec in {"gz": "gzip", "bz2": "bz2", "zst": "zstd"}.items():
        with CompressedOutputStream(str(folder / f"night.tar.{suffix}"), codec) as stream:
            stream.write(tar.getvalue())
        yield suffix, folder / f"night.tar.{suffix}", []
    with tarfile.open(folder / "night.tar.xz", "w:xz") as archive:
        archive.add(some, "some")
    yield "xz", folder / "night.tar.xz", []
    with CompressedOutputStream(str(folder / "one.avro.gz"), "gzip") as stream:
        stream.write(single[0])
    yield "gzipped", folder / "one.avro.gz", []
    (folder / "large.avro").write_bytes(container("Rubin", packets("Rubin", 6) * 25, per_block=3))
    yield "large", folder / "large.avro", []
    yield from _tables(folder)
    (folder / "schemas").mkdir()
    (folder / "schemas" / "701.avsc").write_text(json.dumps(SCHEMAS["Rubin"]))
    (folder / "wire.avro").write_bytes(wire("Rubin", packets("Rubin", 1)[0], schema=701))
    options = ["--schemas", folder / "schemas"]
    yield "wire", folder / "wire.avro", options


def _tables(folder: Path) -> Iterator[tuple[str, Path, list[Any]]]:
    for survey in ("ZTF", "Rubin"):
        path = folder / f"{survey}.parquet"
        pd.DataFrame(packets(survey, 6)).to_parquet(path)
        yield f"{survey} table", path, []
    flat = pd.json_normalize([each | {"prv_candidates": None} for each in packets("ZTF", 6)])
    flat.to_parquet(folder / "flat.parquet")
    yield "flat table", folder / "flat.parquet", []
