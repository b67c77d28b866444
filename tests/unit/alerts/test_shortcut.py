"""The way past a packet's history gives what the ordinary way gives, or nothing."""

import copy
import io

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alert_packets import SCHEMAS, images, packets, record
from stampshift.alerts.avro import layout_of_schema, records

FURTHER = [
    ("clf", ["null", record("clf", ("score", ["float", "null"]))]),
    ("tags", {"type": "array", "items": "string"}),
]


def schema(*further):
    changed = copy.deepcopy(SCHEMAS["Rubin"])
    changed["fields"] += [{"name": name, "type": kind} for name, kind in further]
    return changed


def written(kind, fields):
    file = io.BytesIO()
    for each in fields:
        fastavro.schemaless_writer(file, kind, each)
    return file.getvalue()


def both_ways(layout, data, count):
    ordinary = list(records(data, count=count, layout=layout._replace(shortcut=None)))
    return ordinary, list(records(data, count=count, layout=layout))


@pytest.mark.parametrize("further", [(), FURTHER])
@pytest.mark.parametrize("count", [1, 3])
def test_it_gives_what_the_ordinary_way_gives(further, count):
    kind = schema(*further)
    layout = layout_of_schema(kind)
    fields = [each | {"clf": {"score": 0.5}, "tags": ["SIMPLE  =", "b"]} for each in packets("Rubin", count)]
    ordinary, quick = both_ways(layout, written(kind, fields), count)
    assert quick == ordinary
    assert len(quick) == count


def test_it_leaves_the_history_alone():
    """Bytes of the history that are no detections trouble the ordinary way only."""
    layout = layout_of_schema(schema())
    (fields,) = packets("Rubin", 1)
    data = written(schema(), [fields])
    at = data.index(written(schema()["fields"][1]["type"], [fields["diaSource"]]) * 2)
    broken = data[: at + 1] + b"\xff" * 5 + data[at + 6 :]
    (quick,) = records(broken, count=1, layout=layout)
    assert quick["cutoutScience"] == fields["cutoutScience"]
    with pytest.raises((EOFError, IndexError)):
        list(records(broken, count=1, layout=layout._replace(shortcut=None)))


@pytest.mark.parametrize("missing", ["cutoutDifference", "cutoutScience", "cutoutTemplate"])
@pytest.mark.parametrize("further", [(), FURTHER])
def test_packets_without_a_cutout_go_the_ordinary_way(missing, further):
    kind = schema(*further)
    fields = [each | {"clf": None, "tags": []} for each in packets("Rubin", 3)]
    fields[1][missing] = None
    ordinary, quick = both_ways(layout_of_schema(kind), written(kind, fields), 3)
    assert quick == ordinary
    assert quick[1][missing] is None


def test_a_history_that_looks_like_cutouts_goes_the_ordinary_way():
    kind = copy.deepcopy(SCHEMAS["Rubin"])
    kind["fields"].insert(2, {"name": "note", "type": ["null", "string"]})
    layout = layout_of_schema(kind)
    assert layout.shortcut is not None
    (fields,) = packets("Rubin", 1)
    ordinary, quick = both_ways(layout, written(kind, [fields | {"note": "SIMPLE  = T"}]), 1)
    assert quick == ordinary
    assert quick[0]["cutoutTemplate"] == fields["cutoutTemplate"]


@pytest.mark.parametrize("survey", ["ZTF", "ATLAS", "PGIR"])
def test_others_have_no_shortcut_or_the_same_packets(survey):
    layout = layout_of_schema(SCHEMAS[survey])
    fields = packets(survey, 2)
    ordinary, quick = both_ways(layout, written(SCHEMAS[survey], fields), 2)
    assert quick == ordinary


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 40_000), byte=st.integers(0, 255))
def test_damage_never_gives_another_image(position, byte):
    """With one byte changed the quick way gives what the ordinary way gives, wherever that gives anything."""
    layout = layout_of_schema(schema())
    (fields,) = packets("Rubin", 1)
    data = bytearray(written(schema(), [fields]))
    data[position % len(data)] = byte
    try:
        ordinary = list(records(bytes(data), count=1, layout=layout._replace(shortcut=None)))
    except Exception:
        return
    if len(ordinary) == 1:
        assert list(records(bytes(data), count=1, layout=layout)) == ordinary
    assert np.isfinite(images(1)).all()
