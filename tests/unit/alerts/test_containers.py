"""Packets are found in every container, in order, in bounded pieces; damage costs no more than it must."""

import bz2
import errno
import gzip
import io
import json
import lzma
import pickle
import tarfile
import zlib

import cramjam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alert_packets import (
    SCHEMAS,
    container,
    images,
    packet,
    packets,
    recoded,
    records_of,
    wire,
    write_night,
)
from stampshift import alerts
from stampshift.alerts import containers
from stampshift.alerts.avro import blocks, read_header
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


@pytest.mark.parametrize(
    ("codec", "deflate"),
    [
        ("zstandard", cramjam.zstd.compress),
        ("lz4", lambda data: cramjam.lz4.compress_block(data, store_size=True)),
    ],
)
def test_codecs_that_may_have_no_writer_are_inflated(tmp_path, codec, deflate):
    plain = container("ZTF", packets("ZTF", 2), per_block=2)
    path = tmp_path / "a.avro"
    path.write_bytes(recoded(plain, codec, bytes(deflate(records_of(plain)))))
    assert numbers(read(path)) == [1, 2]


def test_an_unknown_codec_is_named_and_no_damage(tmp_path):
    path = tmp_path / "a.avro"
    path.write_bytes(recoded(container("ZTF", packets("ZTF", 3), per_block=3), "brotli", b"whatever" * 9))
    found = read(path)
    assert [alert.problem for alert in found] == ["unreadable packet"] * 3
    assert "found the codec 'brotli', which is none of null, deflate, snappy" in found[0].detail
    assert "corrupt" not in found[0].detail and "Download" not in found[0].detail


@pytest.mark.parametrize("codec", ["deflate", "snappy", "zstandard", "bzip2", "xz", "lz4"])
def test_a_block_that_would_fill_the_memory_is_flagged(tmp_path, monkeypatch, codec):
    deflate = {
        "deflate": lambda data: zlib.compress(data)[2:-4],
        "snappy": lambda data: bytes(cramjam.snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big"),
        "zstandard": cramjam.zstd.compress,
        "bzip2": bz2.compress,
        "xz": lzma.compress,
        "lz4": lambda data: cramjam.lz4.compress_block(data, store_size=True),
    }[codec]
    monkeypatch.setenv("STAMPSHIFT_MAX_MB", "1")
    bomb = recoded(container("ZTF", packets("ZTF", 1)), codec, bytes(deflate(bytes(2_000_000))))
    (tmp_path / "a.avro").write_bytes(bomb)
    (tmp_path / "b.avro").write_bytes(container("ZTF", packets("ZTF", 1, first=2)))
    bad, good = read(tmp_path)
    assert "larger than 1 MB" in bad.detail and "STAMPSHIFT_MAX_MB" in bad.detail
    assert (bad.problem, good.problem, good.identifier) == ("unreadable packet", "", "2")


def test_gzip_that_would_fill_the_memory_is_flagged_wherever_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("STAMPSHIFT_MAX_MB", "1")
    bomb = gzip.compress(bytes(2_000_000))
    (tmp_path / "a.avro.gz").write_bytes(bomb)
    cutout = {"fileName": "a.fits", "stampData": bomb}
    (tmp_path / "b.avro").write_bytes(container("ZTF", packets("ZTF", 1, cutoutScience=cutout)))
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("large.avro")
        member.size = 2_000_000
        tar.addfile(member, io.BytesIO(bytes(member.size)))
    found = read(tmp_path)
    assert [alert.problem for alert in found] == [
        "unreadable packet",
        "unreadable cutout",
        "unreadable packet",
    ]
    assert all("larger than 1 MB" in alert.detail for alert in found)
    assert found[1].identifier == "1"


def damaged_marks(content: bytes, *numbers: int) -> bytes:
    """A container of which the marks behind some blocks are damaged."""
    found = list(blocks(content, read_header(content)))
    damaged = bytearray(content)
    for number in numbers:
        damaged[found[number].end + 3] ^= 0xFF
    return bytes(damaged)


@pytest.mark.parametrize("codec", ["null", "deflate"])
@pytest.mark.parametrize("marks", [(2,), (0,), (9,), (3, 4, 5)])
def test_a_damaged_mark_costs_no_packet(tmp_path, codec, marks):
    content = container("ZTF", packets("ZTF", 20), codec=codec, per_block=2)
    path = tmp_path / "a.avro"
    path.write_bytes(damaged_marks(content, *marks))
    assert numbers(read(path)) == list(range(1, 21))


def test_behind_damage_of_any_length_reading_goes_on_at_the_next_mark(tmp_path, monkeypatch):
    content = container("ZTF", packets("ZTF", 30), codec="deflate", per_block=3)
    found = list(blocks(content, read_header(content)))
    gap = bytes(5 * (found[4].start - found[1].start))
    path = tmp_path / "a.avro"
    path.write_bytes(content[: found[2].start] + gap + content[found[4].begin :])
    for unit_bytes in (1 << 22, len(content) // 5):
        monkeypatch.setattr(containers, "UNIT_BYTES", unit_bytes)
        read_again = read(path)
        assert [number for number in numbers(read_again) if number > 0] == [*range(1, 7), *range(16, 31)]
        (lost,) = [alert for alert in read_again if alert.problem]
        assert "expected a block, found" in lost.detail


@pytest.mark.parametrize("unit_bytes", [1 << 22, 30_000])
def test_joined_containers_are_all_read(tmp_path, monkeypatch, unit_bytes):
    monkeypatch.setattr(containers, "UNIT_BYTES", unit_bytes)
    parts = [
        container("ZTF", packets("ZTF", 4, first=1)),
        container("Rubin", packets("Rubin", 4, first=5), codec="deflate"),
        container("ZTF", packets("ZTF", 4, first=9), codec="snappy", per_block=2),
    ]
    path = tmp_path / "a.avro"
    path.write_bytes(b"".join(parts))
    found = read(path)
    assert numbers(found) == list(range(1, 13))
    assert [alert.survey for alert in found] == ["ZTF"] * 4 + ["Rubin"] * 4 + ["ZTF"] * 4


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "TAR.BZ2", "tar.xz", "tar.zst", "tgz"])
def test_tars_of_every_compression_joined_and_within_each_other(tmp_path, suffix):
    deflate = {"gz": gzip.compress, "tgz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    deflate |= {"zst": cramjam.zstd.compress, "tar": bytes}
    pack = deflate[suffix.lower().rpartition(".")[2]]

    def night(*members):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for name, content in members:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return bytes(pack(stream.getvalue()))

    one, two, three = (container("ZTF", packets("ZTF", 1, first=number)) for number in (1, 2, 3))
    inner = night(("two.avro", two))
    path = tmp_path / f"night.{suffix}"
    path.write_bytes(night(("one.AVRO", one), (f"inner.{suffix}", inner)) + night(("three.avro", three)))
    if suffix == "tar.zst":  # joined frames of zstandard are not one stream to every library
        path.write_bytes(night(("one.AVRO", one), (f"inner.{suffix}", inner), ("three.avro", three)))
    found = read(tmp_path)
    assert numbers(found) == [1, 2, 3]
    assert found[1].place == f"{path}, member inner.{suffix}, member two.avro, record 0"


def test_bytes_behind_a_tar_that_are_none_are_told(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(write_night(tmp_path / "night", "ZTF", 1), "night")
    with (tmp_path / "a.tar").open("ab") as stream:
        stream.write(b"more" * 1000)
    good, told = read(tmp_path / "a.tar")
    assert good.problem == "" and "behind its end mark" in told.detail


def test_links_are_followed_once_and_a_link_to_nowhere_is_an_alert(tmp_path):
    write_night(tmp_path / "night" / "first", "ZTF", 1, first=1)
    (tmp_path / "night" / "second").symlink_to(write_night(tmp_path / "disk", "ZTF", 1, first=2))
    (tmp_path / "night" / "second" / "back").symlink_to(tmp_path / "night")  # a loop
    (tmp_path / "night" / "third.avro").symlink_to(tmp_path / "purged.avro")
    found = read(tmp_path / "night")
    assert [(alert.identifier, alert.problem) for alert in found] == [
        ("1", ""), ("2", ""), ("", "unreadable file"),
    ]  # fmt: skip
    assert "cannot be read now (No such file or directory)" in found[2].detail


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    path = write_night(tmp_path / "night", "ZTF", 1) / "1.avro"
    units = list(alerts.units([path]))

    def refuse(self):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    (alert,) = [alert for unit in units for alert in alerts.decode(unit)]
    assert alert.problem == "unreadable file"
    assert alert.detail == f"{path}: cannot be read now (Permission denied). Run the command again."


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
    expected = 6 if per_block == 1 or codec == "null" else 4
    found = read(path)
    whole, lost = found[:expected], found[expected:]
    assert numbers(whole) == list(range(1, expected + 1))
    assert all(alert.images is not None for alert in whole)
    assert {(alert.problem, alert.identifier) for alert in lost} == {("unreadable packet", "")}
    # of the block that is cut short every record has its line
    assert [alert.place for alert in lost] == [
        f"{path}, record {number}" for number in range(expected, 7 if per_block == 1 else 8)
    ]
    assert "cut short" in lost[0].detail


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
            ("unreadable packet", f"{path}, record {number}") for number in (3, 4, 5)
        ]


def test_a_block_of_a_wrong_length_is_left_at_the_next_mark(tmp_path):
    content = container("ZTF", packets("ZTF", 3))
    header = read_header(content)
    second = content.index(header.sync, len(header.content)) + len(header.sync)
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
    whole = [alert for alert in read(path) if not alert.problem]
    lost = [alert for alert in read(path) if alert.problem]
    assert numbers(whole) == list(range(1, len(whole) + 1))
    assert len(whole) == 20 or per_block == 4
    assert [(each.problem, each.place) for each in lost] == [
        ("unreadable packet", f"{path}, record {len(whole) + number}") for number in range(len(lost))
    ]


def test_units_are_bounded_by_the_number_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(containers, "UNIT_PACKETS", 4)
    write_night(tmp_path, "ATLAS", 10)
    assert [len(unit.pieces) for unit in alerts.units([tmp_path])] == [4, 4, 2]


def test_a_damaged_group_of_rows_costs_no_other(tmp_path):
    path = tmp_path / "part.parquet"
    pq.write_table(pa.Table.from_pylist(packets("ZTF", 9)), path, row_group_size=3, compression="none")
    with pq.ParquetFile(path) as table:
        middle = table.metadata.row_group(1)
        column = next(
            middle.column(number)
            for number in range(middle.num_columns)
            if middle.column(number).path_in_schema == "cutoutScience.stampData"
        )
        begin = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(path.read_bytes())
    content[begin : begin + 200] = bytes([255]) * 200
    path.write_bytes(content)
    found = read(path)
    assert numbers(found) == [1, 2, 3, -1, -1, -1, 7, 8, 9]
    assert [alert.place for alert in found] == [f"{path}, record {number}" for number in range(9)]
    assert {alert.problem for alert in found[3:6]} == {"unreadable packet"}


def test_a_block_of_a_large_container_that_is_too_large_is_flagged(tmp_path, monkeypatch):
    small, large = container("ZTF", packets("ZTF", 2)), container("ZTF", packets("ZTF", 80), per_block=80)
    monkeypatch.setattr(containers, "UNIT_BYTES", len(small))
    monkeypatch.setenv("STAMPSHIFT_MAX_MB", str(len(large) / 2e6))
    (tmp_path / "a.avro").write_bytes(small + large + small)
    found = read(tmp_path)
    assert numbers(found) == [1, 2, *[-1] * 80, 1, 2]
    assert "a block is larger than" in found[2].detail
