"""Units that are divided hold the same alerts; what is lost is named record by record."""

import gzip
import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alert_packets import SCHEMAS, container, packets, wire
from stampshift.alerts import decode, dialects, units
from stampshift.alerts.dividing import divide, join, lost


def bare(found):
    """What alerts say, and their pixels; as text, in which what is not a number equals itself."""
    return [
        (
            repr(replace(alert, images=None)),
            None if alert.images is None else [i.tobytes() for i in alert.images],
        )
        for alert in found
    ]


def leaves(unit):
    halves = divide(unit)
    if len(halves) < 2:
        return [unit]
    return [leaf for half in halves for leaf in leaves(half)]


def write(folder, kind):
    written = packets("ZTF", 7)
    if kind == "files":
        for number, fields in enumerate(written):
            (folder / f"{number}.avro").write_bytes(container("ZTF", [fields]))
    elif kind == "wire":
        (folder / "1.avro").write_bytes(wire("Rubin", packets("Rubin", 1)[0], schema=900))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(written), folder / "night.parquet")
    elif kind == "joined":
        content = container("ZTF", written, per_block=3, codec="deflate")
        (folder / "night.avro").write_bytes(content + container("Rubin", packets("Rubin", 2)))
    elif kind == "cut short":
        (folder / "night.avro").write_bytes(container("ZTF", written, per_block=3)[:-3000])
    else:
        codec = "deflate" if kind == "deflate" else "null"
        content = container("ZTF", written, codec=codec, per_block=4)
        (folder / "night.avro").write_bytes(gzip.compress(content) if kind == "gzip" else content)


KINDS = {
    "files": 7,
    "blocks": 7,
    "deflate": 7,
    "gzip": 7,
    "joined": 9,
    "cut short": 7,
    "parquet": 7,
    "wire": 1,
}


@pytest.mark.parametrize(("kind", "count"), KINDS.items())
def test_parts_of_a_unit_hold_its_alerts_in_their_order(tmp_path, kind, count):
    write(tmp_path, kind)
    (unit,) = units([tmp_path])
    expected = bare(decode(unit))
    assert len(expected) == count
    found = leaves(unit)
    assert bare(alert for leaf in found for alert in decode(leaf)) == expected
    assert bare(decode(join(found))) == expected
    if kind != "cut short":
        assert [len(list(decode(leaf))) for leaf in found] == [1] * count


@pytest.mark.parametrize(("kind", "count"), KINDS.items())
def test_every_record_that_is_lost_is_named_with_the_reason(tmp_path, kind, count):
    write(tmp_path, kind)
    (unit,) = units([tmp_path])
    found = list(decode(lost(unit, "it took more than 600 seconds", False)))
    known = list(decode(unit))
    assert [alert.place for alert in found] == [alert.place for alert in known]
    if kind not in ("files", "wire"):  # elsewhere a file is a packet
        assert len(found) == count
    assert {alert.problem for alert in found} == {"unreadable packet"}
    for alert in found:
        assert alert.detail == f"{alert.place}: cannot be read: it took more than 600 seconds."
    if kind == "parquet":
        assert [alert.identifier for alert in found] == [alert.identifier for alert in known]


@pytest.mark.parametrize(("kind", "count"), [item for item in KINDS.items() if item[0] != "cut short"])
def test_identifiers_of_what_is_lost_are_read_and_its_cutouts_are_not(tmp_path, kind, count, monkeypatch):
    write(tmp_path, kind)
    (tmp_path / "900.avsc").write_text(json.dumps(SCHEMAS["Rubin"]))
    (unit,) = units([tmp_path], schemas=tmp_path)
    known = [(alert.survey, alert.identifier, alert.group) for alert in decode(unit)]
    assert len(known) == count and all(identifier for _, identifier, _ in known)
    parts = leaves(unit)
    monkeypatch.setattr(dialects, "image_of", lambda *_a, **_k: pytest.fail("a cutout is read"))
    found = [alert for part in parts for alert in decode(lost(part, "it ended", True))]
    assert [(alert.survey, alert.identifier, alert.group) for alert in found] == known
    assert {alert.problem for alert in found} == {"unreadable packet"}


def test_identifiers_that_cannot_be_read_are_none(tmp_path):
    content = container("ZTF", packets("ZTF", 1))
    for size in range(1, len(content), 97):
        (tmp_path / "1.avro").write_bytes(content[:size])
        (unit,) = units([tmp_path])
        assert {alert.identifier for alert in decode(lost(unit, "it ended", True))} <= {"", "1"}
