"""A piece's dialect is known by its schema alone, in every container, and is the one that decoding finds."""

import gzip
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alert_packets import SCHEMAS, container, packets, wire
from stampshift import alerts
from stampshift.alerts.decoding import dialect_of


def found(path, schemas=None):
    return [
        (dialect_of(piece, schemas=schemas), alert.survey)
        for unit in alerts.units([path], schemas=schemas)
        for piece, alert in zip(unit.pieces, alerts.decode(unit), strict=True)
    ]


def write(form, folder, survey):
    (fields,) = packets(survey, 1)
    content = container(survey, [fields], codec="snappy")
    path = folder / f"night.{form}"
    if form == "avro":
        path.write_bytes(content)
    elif form == "avro.gz":
        path.write_bytes(gzip.compress(content))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist([fields]), path)
    else:
        (folder / "1.avro").write_bytes(content)
        with tarfile.open(path, "w") as tar:
            tar.add(folder / "1.avro")
    return path


@pytest.mark.parametrize("survey", SCHEMAS)
@pytest.mark.parametrize("form", ["avro", "avro.gz", "tar", "parquet"])
def test_every_container_shows_its_survey(tmp_path, survey, form):
    assert found(write(form, tmp_path, survey)) == [(survey, survey)]


def test_the_wire_format_shows_it_by_its_schemas(tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "7.avsc").write_text(json.dumps(SCHEMAS["Rubin"]))
    path = tmp_path / "1.avro"
    path.write_bytes(wire("Rubin", *packets("Rubin", 1), schema=7))
    assert found(path, tmp_path / "schemas") == [("Rubin", "Rubin")]
    assert found(path) == [(None, "")]  # which schema 7 is nobody has said


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x1f\x8bcut", b"Obj\x01cut", b"\x00"])
def test_what_is_not_a_packet_has_no_dialect(tmp_path, content):
    (tmp_path / "1.avro").write_bytes(content)
    assert found(tmp_path / "1.avro", tmp_path) == [(None, "")]
