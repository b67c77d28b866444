"""Packets are found in every container, in order, in bounded pieces; damage costs no more than it must."""

import gzip
import io
import json
import pickle
import tarfile

import cramjam
import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alert_packets import SCHEMAS, container, images, packet, packets, wire, write_night
from stampshift import alerts
from stampshift.alerts import containers
from stampshift.core.errors import ArchiveError

SURVEYS = list(SCHEMAS)


def read(*paths, schemas=None):
    # a unit goes to another process as a pickle
    units = map(pickle.dumps, alerts.units(paths, schemas=schemas))
    return [alert for unit in units for alert in alerts.decode(pickle.loads(unit))]


def numbers(found):
    return [int(alert.identifier.lstrip("a") or -1) for alert in found]


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "bzip2", "xz"])
@pytest.mark.parametrize("per_block", [1, 3])
def test_containers_of_every_codec(tmp_path, survey, codec, per_block):
    path = tmp_path / "night.avro"
    path.write_bytes(container(survey, packets(survey, 7), codec=codec, per_block=per_block))
    found = read(path)
    assert numbers(found) == [1, 2, 3, 4, 5, 6, 7]
    assert [alert.place for alert in found] == [f"{path}, record {number}" for number in range(7)]
    for number, alert in enumerate(found, 1):
        np.testing.assert_array_equal(alert.images[2], images(number)[2])


def test_a_zstandard_block_is_inflated(tmp_path):
    plain = container("ZTF", packets("ZTF", 1))
    stream = io.BytesIO(plain)
    header = containers.read_header(stream)
    head = plain[: stream.tell()].replace(b"\x08null", b"\x12zstandard")  # twice the length, and the text
    _, size = containers.read_sizes(stream)
    data = bytes(cramjam.zstd.compress(plain[stream.tell() : stream.tell() + size]))
    sizes = io.BytesIO()
    for number in (1, len(data)):
        fastavro.schemaless_writer(sizes, "long", number)
    path = tmp_path / "a.avro"
    path.write_bytes(head + sizes.getvalue() + data + header.sync)
    assert numbers(read(path)) == [1]


def test_folders_tars_and_single_packets(tmp_path):
    night = write_night(tmp_path / "night", "ZTF", 3)
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        tar.add(write_night(tmp_path / "other", "ATLAS", 2), "other")
        tar.add(night / "1.avro", "notes.txt")
    with tarfile.open(tmp_path / "c.tar", "w") as tar:
        tar.add(night / "2.avro", "2.avro")
    single = tmp_path / "d.avro.gz"
    single.write_bytes(gzip.compress(container("PGIR", packets("PGIR", 1))))
    (night / ".hidden.avro").write_bytes(b"")
    found = read(night, tmp_path / "b.tar.gz", tmp_path / "c.tar", single)
    assert [(alert.survey, alert.identifier) for alert in found] == [
        ("ZTF", "1"), ("ZTF", "2"), ("ZTF", "3"), ("ATLAS", "a1"), ("ATLAS", "a2"), ("ZTF", "2"),
        ("PGIR", "1"),
    ]  # fmt: skip
    assert found[3].place == f"{tmp_path / 'b.tar.gz'}, member other/a1.avro, record 0"


def test_files_of_a_folder_are_in_natural_order(tmp_path):
    write_night(tmp_path / "night", "ZTF", 12)
    assert [path.stem for path in alerts.files([tmp_path])] == [str(number) for number in range(1, 13)]


def test_a_given_file_may_have_any_name(tmp_path):
    path = tmp_path / "message"
    path.write_bytes(container("ZTF", packets("ZTF", 1)))
    assert numbers(read(path)) == [1]


@pytest.mark.parametrize(
    ("path", "message"), [("nowhere", "no such file"), ("", "contains no file of alerts")]
)
def test_nothing_to_read_is_an_error(tmp_path, path, message):
    with pytest.raises(ArchiveError, match=message):
        alerts.files([tmp_path / path])


def test_confluent_wire_format_needs_the_schema(tmp_path):
    path = tmp_path / "1.avro"
    path.write_bytes(wire("Rubin", packet("Rubin", 1, images(1)), schema=900))
    (without,) = read(path)
    assert without.problem == "unknown schema"
    assert "schema 900" in without.detail and "900.avsc" in without.detail
    (tmp_path / "schemas").mkdir()
    (still,) = read(path, schemas=tmp_path / "schemas")
    assert still.problem == "unknown schema"
    (tmp_path / "schemas" / "900.avsc").write_text(json.dumps(SCHEMAS["Rubin"]))
    (alert,) = read(path, schemas=tmp_path / "schemas" / ".")
    assert (alert.survey, alert.identifier) == ("Rubin", "1")
    np.testing.assert_array_equal(alert.images[1], images(1)[1])


def test_rubins_own_folder_of_schemas(tmp_path):
    """The alert's schema and those of its parts are in separate files."""
    folder = tmp_path / "schema" / "9" / "1"
    folder.mkdir(parents=True)
    schema = json.loads(json.dumps(SCHEMAS["Rubin"]))
    source = schema["fields"][1]["type"] | {"name": "lsst.v9_1.diaSource"}
    schema["fields"][1]["type"] = "lsst.v9_1.diaSource"
    schema["fields"][2]["type"][1]["items"] = "lsst.v9_1.diaSource"
    (folder / "lsst.v9_1.alert.avsc").write_text(json.dumps(schema | {"name": "lsst.v9_1.alert"}))
    (folder / "lsst.v9_1.diaSource.avsc").write_text(json.dumps(source))
    path = tmp_path / "1.avro"
    path.write_bytes(wire("Rubin", packet("Rubin", 1, images(1)), schema=901))
    for given in (tmp_path, tmp_path / "schema", folder):
        (alert,) = read(path, schemas=given)
        assert (alert.identifier, alert.problem) == ("1", "")


@pytest.mark.parametrize("length", [1, 4, 5, 60, 3000])
def test_a_wire_packet_that_is_cut_short(tmp_path, length):
    (tmp_path / "900.avsc").write_text(json.dumps(SCHEMAS["Rubin"]))
    path = tmp_path / "1.avro"
    path.write_bytes(wire("Rubin", packet("Rubin", 1, images(1)), schema=900)[:length])
    (alert,) = read(path, schemas=tmp_path)
    assert (alert.problem, alert.images) == ("unreadable packet", None)
    assert str(path) in alert.detail


@pytest.mark.parametrize(
    "content", [b"", b"Obj", b"Obj\x01", b"Obj\x01\x02garbage" * 9, b"<html>", b"\x1f\x8b\x08"]
)
def test_what_is_not_a_packet_is_unreadable(tmp_path, content):
    (tmp_path / "a.avro").write_bytes(content)
    write_night(tmp_path / "b", "ZTF", 1)
    bad, good = read(tmp_path)
    assert (bad.problem, bad.survey, bad.identifier, bad.images) == ("unreadable packet", "", "", None)
    assert bad.place == str(tmp_path / "a.avro")
    assert good.problem == ""


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
@pytest.mark.parametrize("per_block", [1, 4])
def test_a_container_that_is_cut_short(tmp_path, survey, codec, per_block):
    """What is whole is read, and one alert names where it ends; of a deflated block nothing is whole."""
    content = container(survey, packets(survey, 8), codec=codec, per_block=per_block)
    path = tmp_path / "a.avro"
    path.write_bytes(content[: int(0.8 * len(content))])
    *whole, last = read(path)
    expected = 6 if per_block == 1 or codec == "null" else 4
    assert numbers(whole) == list(range(1, expected + 1))
    assert all(alert.images is not None for alert in whole)
    assert (last.problem, last.identifier) == ("unreadable packet", "")
    assert last.place == f"{path}, record {expected}"
    assert "cut short" in last.detail


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("codec", ["deflate", "snappy", "bzip2"])
def test_a_damaged_block_costs_no_other(tmp_path, survey, codec):
    content = bytearray(container(survey, packets(survey, 9), codec=codec, per_block=3))
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path = tmp_path / "a.avro"
    path.write_bytes(content)
    found = read(path)
    assert numbers(found[:3]) == [1, 2, 3]
    assert numbers(found[-3:]) == [7, 8, 9]
    damaged = [alert for alert in found[3:-3] if alert.problem]
    assert damaged
    if codec != "deflate":  # it has no checksum: what stands before the damage is read
        assert [(alert.problem, alert.place) for alert in found[3:-3]] == [
            ("unreadable packet", f"{path}, record 3")
        ]


def test_a_block_of_a_wrong_length_is_left_at_the_next_mark(tmp_path):
    content = container("ZTF", packets("ZTF", 3))
    stream = io.BytesIO(content)
    sync = containers.read_header(stream).sync
    second = content.index(sync, stream.tell()) + len(sync)
    path = tmp_path / "a.avro"
    path.write_bytes(content[:second] + b"\x02\xff\xff\x03" + content[second + 4 :])
    found = read(path)
    assert numbers(found) == [1, 2, -1, 3]  # the second packet itself is whole
    assert [alert.problem for alert in found] == ["", "", "unreadable packet", ""]


def test_a_tar_that_is_cut_short(tmp_path):
    write_night(tmp_path / "night", "ZTF", 6)
    path = tmp_path / "night.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "night", "night")
    path.write_bytes(path.read_bytes()[: int(0.6 * path.stat().st_size)])
    *whole, last = read(path)
    assert len(whole) >= 2
    assert all(alert.problem == "" for alert in whole)
    assert last.problem == "unreadable packet"
    assert str(path) in last.detail and "cut short" in last.detail


def test_a_tar_without_packets_says_so(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w"):
        pass
    (alert,) = read(tmp_path / "a.tar")
    assert "expected members *.avro, found none" in alert.detail


@pytest.mark.parametrize("survey", SURVEYS)
def test_parquet_of_alerts_is_read_in_batches(tmp_path, survey, monkeypatch):
    monkeypatch.setattr(containers, "BATCH_ROWS", 3)
    path = tmp_path / "part.parquet"
    pq.write_table(pa.Table.from_pylist(packets(survey, 8)), path, row_group_size=5)
    units = list(alerts.units([path]))
    assert max(len(piece.rows) for unit in units for piece in unit.pieces) <= 3
    found = read(path)
    assert numbers(found) == list(range(1, 9))
    assert found[7].place == f"{path}, record 7"
    expected = read_packets(tmp_path, survey, 8)
    for one, other in zip(found, expected, strict=True):
        assert (one.group, one.survey) == (other.group, survey)
        np.testing.assert_equal(one.survey_score, other.survey_score)
        np.testing.assert_array_equal(one.images, other.images)


def read_packets(tmp_path, survey, count):
    path = tmp_path / "same.avro"
    path.write_bytes(container(survey, packets(survey, count)))
    return read(path)


def test_parquet_with_a_null_cutout(tmp_path):
    table = packets("ZTF", 2)
    table[0]["cutoutScience"] = None
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "a.parquet")
    bad, good = read(tmp_path)
    assert (bad.problem, bad.identifier, good.problem) == ("missing cutout", "1", "")


@pytest.mark.parametrize(
    ("content", "problem"), [(b"PAR1 and then nothing", "unreadable packet"), (None, "unknown schema")]
)
def test_parquet_that_is_not_a_table_of_alerts(tmp_path, content, problem):
    path = tmp_path / "a.parquet"
    if content:
        path.write_bytes(content)
    else:
        pq.write_table(pa.table({"mag": [1.0, 2.0]}), path)
    (alert,) = read(path)
    assert (alert.problem, str(path) in alert.detail) == (problem, True)


@pytest.mark.parametrize("per_block", [1, 4])
def test_large_containers_are_read_in_parts(tmp_path, monkeypatch, per_block):
    content = container("ZTF", packets("ZTF", 30), per_block=per_block)
    monkeypatch.setattr(containers, "UNIT_BYTES", len(content) // 5)
    path = tmp_path / "a.avro"
    path.write_bytes(content)
    units = list(alerts.units([path]))
    assert len(units) >= 5
    assert max(piece.size for unit in units for piece in unit.pieces) < len(content) // 3
    found = read(path)
    assert numbers(found) == list(range(1, 31))
    assert [alert.place for alert in found] == [f"{path}, record {number}" for number in range(30)]
    path.write_bytes(content[: int(0.7 * len(content))])
    *whole, last = read(path)
    assert numbers(whole) == list(range(1, len(whole) + 1))
    assert len(whole) == 20 or per_block == 4
    assert (last.problem, last.place) == ("unreadable packet", f"{path}, record {len(whole)}")


def test_units_are_bounded_by_the_number_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "UNIT_PACKETS", 4)
    write_night(tmp_path, "ATLAS", 10)
    assert [len(unit.pieces) for unit in alerts.units([tmp_path])] == [4, 4, 2]
