"""Packets of four surveys become alerts of one form."""

import io

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alert_packets import CUTOUTS, SCHEMAS, container, images, packet, packets
from stampshift import alerts
from stampshift.alerts import read_alerts
from stampshift.alerts.dialects import DIALECTS, alert_of, recognised

SURVEYS = list(SCHEMAS)
MARK = np.float32(-31415)


def alerts_of(tmp_path, content, *, name="a.avro", schemas=None):
    path = tmp_path / name
    path.write_bytes(content)
    return [alert for unit in alerts.units([path], schemas=schemas) for alert in alerts.decode(unit)]


@pytest.mark.parametrize(
    ("survey", "identifier", "group", "score"),
    [
        ("ZTF", "3", "object-1", 0.5),
        ("Rubin", "3", "1001", 0.75),
        ("ATLAS", "a3", "object-1", np.nan),  # its `rb` is a placeholder
        ("PGIR", "3", "object-1", 0.5),
    ],
)
def test_packets_of_every_dialect_are_read(tmp_path, survey, identifier, group, score):
    (alert,) = alerts_of(tmp_path, container(survey, [packet(survey, 3, images(3))]))
    assert (alert.survey, alert.identifier, alert.group) == (survey, identifier, group)
    assert (alert.problem, alert.detail) == ("", "")
    np.testing.assert_equal(alert.survey_score, score)
    template, science, difference = images(3)
    if survey == "ATLAS":
        template = science - difference
    for found, expected in zip(alert.images, (template, science, difference), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


def test_every_dialect_has_hand_made_packets():
    assert set(SCHEMAS) == set(DIALECTS)


@pytest.mark.parametrize("survey", DIALECTS)
def test_the_marks_of_a_dialect_are_no_others(survey):
    assert recognised(DIALECTS[survey].marks) == survey


def test_fields_of_no_dialect_are_none():
    assert recognised(["objectId", "candid", "cutoutScience"]) is None


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({}, 0.5),
        ({"drb": None}, 0.25),
        ({"drb": None, "rb": None}, np.nan),
        ({"drb": 0.0, "drbversion": ""}, 0.25),  # a broker's filling of what was not there yet
        ({"drb": 0.0}, 0.0),
    ],
)
def test_ztf_score_is_drb_or_else_rb(tmp_path, changes, score):
    fields = packet("ZTF", 1, images(1))
    fields["candidate"] |= changes
    (alert,) = alerts_of(tmp_path, container("ZTF", [fields]))
    np.testing.assert_equal(alert.survey_score, score)


def test_rubin_object_0_is_none(tmp_path):
    fields = packet("Rubin", 1, images(1))
    fields["diaSource"] |= {"diaObjectId": 0, "reliability": None}
    (alert,) = alerts_of(tmp_path, container("Rubin", [fields]))
    assert alert.group == ""
    assert np.isnan(alert.survey_score)


def test_atlas_template_is_masked_where_science_or_difference_is(tmp_path):
    template, science, difference = images(1)
    science[3, 4] = difference[5, 6] = MARK
    (alert,) = alerts_of(tmp_path, container("ATLAS", [packet("ATLAS", 1, (template, science, difference))]))
    masked = np.isnan(alert.images[0])
    assert np.argwhere(masked).tolist() == [[3, 4], [5, 6]]
    np.testing.assert_array_equal(alert.images[0][~masked], (science - difference)[~masked])
    # the others keep their marks, which the dialect's rule knows
    rule = DIALECTS["ATLAS"].invalid
    assert [int(rule.mask(image).sum()) for image in alert.images] == [2, 1, 1]


@pytest.mark.parametrize("survey", DIALECTS)
@pytest.mark.parametrize("missing", [CUTOUTS[1:], CUTOUTS[2:]])
def test_a_null_cutout_is_missing(tmp_path, survey, missing):
    fields = packet(survey, 1, images(1), **dict.fromkeys(missing))
    bad, good = alerts_of(tmp_path, container(survey, [fields, packet(survey, 2, images(2))]))
    assert (bad.problem, bad.images) == ("missing cutout", None)
    assert all(name in bad.detail for name in missing)
    assert bad.identifier in ("1", "a1")
    assert (good.problem, good.identifier[-1]) == ("", "2")


@pytest.mark.parametrize("survey", DIALECTS)
@pytest.mark.parametrize("damage", ["empty", "cut short", "no FITS", "no image"])
def test_a_damaged_cutout_is_named(tmp_path, survey, damage):
    fields = packet(survey, 1, images(1))
    cell = fields["cutoutScience"]
    content = cell["stampData"] if isinstance(cell, dict) else cell
    damaged = {
        "empty": b"",
        "cut short": content[: len(content) // 5],
        "no FITS": b"these are no pixels",
        "no image": content[:2].replace(b"SI", b"si") + b"\x00" * 5000,
    }[damage]
    fields["cutoutScience"] = cell | {"stampData": damaged} if isinstance(cell, dict) else damaged
    bad, good = alerts_of(tmp_path, container(survey, [fields, packet(survey, 2, images(2))], per_block=2))
    assert bad.problem == ("missing cutout" if damage == "empty" else "unreadable cutout")
    assert bad.images is None
    assert "record 0" in bad.detail and "cutoutScience" in bad.detail
    assert good.problem == ""


def test_every_packet_of_an_unknown_schema_is_reported(tmp_path):
    schema = {"type": "record", "name": "mine", "fields": [{"name": "brightness", "type": "double"}]}
    file = io.BytesIO()
    fastavro.writer(file, schema, [{"brightness": 1.0}, {"brightness": 2.0}])
    found = alerts_of(tmp_path, file.getvalue())
    assert [alert.problem for alert in found] == ["unknown schema"] * 2
    assert [alert.place for alert in found] == [f"{tmp_path / 'a.avro'}, record {n}" for n in (0, 1)]
    assert "found brightness" in found[0].detail


def test_images_of_three_sizes_are_left_to_preprocessing(tmp_path):
    triplet = tuple(np.zeros((side, side), np.float32) for side in (20, 30, 40))
    (alert,) = alerts_of(tmp_path, container("Rubin", [packet("Rubin", 1, triplet)]))
    assert [image.shape for image in alert.images] == [(20, 20), (30, 30), (40, 40)]


@pytest.mark.parametrize(
    ("survey", "dropped"),
    [
        *((survey, "cutoutDifference") for survey in SURVEYS),
        # of the other two surveys the first cutout defines the type of all
        *((survey, name) for survey in ("Rubin", "PGIR") for name in ("cutoutScience", "every cutout")),
    ],
)
def test_a_schema_without_a_cutout_leaves_the_identifiers(tmp_path, survey, dropped):
    names = [name for name in CUTOUTS if dropped in (name, "every cutout")]
    schema = SCHEMAS[survey] | {
        "fields": [field for field in SCHEMAS[survey]["fields"] if field["name"] not in names]
    }
    path = tmp_path / "a.avro"
    with path.open("wb") as stream:
        fastavro.writer(stream, schema, packets(survey, 3))
    found = list(read_alerts(path))
    assert [alert.problem for alert in found] == ["missing cutout"] * 3
    assert [alert.identifier.lstrip("a") for alert in found] == ["1", "2", "3"]
    assert names[0] in found[0].detail or survey == "ATLAS"


def test_identifiers_that_are_not_exact_are_none(tmp_path, caplog):
    """As pandas leaves a column of integers with a gap: 64 bits do not fit into a double."""
    rows = packets("ZTF", 4)
    table = pa.Table.from_pylist(rows)
    exact = [1786216730815015018, 1786216730815015041, 2**53 - 1, 7]
    column = pa.array([float(number) for number in exact])
    table = table.set_column(table.schema.get_field_index("candid"), "candid", column)
    pq.write_table(table, tmp_path / "night.parquet")
    found = list(read_alerts(tmp_path / "night.parquet"))
    assert [alert.identifier for alert in found] == ["", "", "9007199254740991", "7"]
    assert [alert.caution for alert in found] == ["inexact identifier"] * 2 + ["", ""]
    assert "Store candid as a 64-bit integer or as text" in found[0].detail
    assert all(alert.images is not None for alert in found)
    assert "night.parquet: candid is a column of doubles" in caplog.text


def test_flattened_columns_are_read(tmp_path):
    rows = [
        {f"diaSource.{name}": value for name, value in row["diaSource"].items()}
        | {name: row[name] for name in CUTOUTS}
        for row in packets("Rubin", 4)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "night.parquet")
    found = list(read_alerts(tmp_path / "night.parquet"))
    assert [(alert.survey, alert.identifier, alert.group) for alert in found] == [
        ("Rubin", str(number), str(1000 + number // 2)) for number in range(1, 5)
    ]
    assert [alert.survey_score for alert in found] == [0.75] * 4
    assert [alert.problem for alert in found] == [""] * 4


def test_cutouts_as_lists_of_rows_are_read(tmp_path):
    rows = packets("ZTF", 2)
    for number, row in enumerate(rows, 1):
        for name, image in zip(CUTOUTS, images(number), strict=True):
            row[name] = {"stampData": image.tolist()}
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "night.parquet")
    for number, alert in enumerate(read_alerts(tmp_path / "night.parquet"), 1):
        np.testing.assert_array_equal(alert.images, images(number))


@pytest.mark.parametrize("group", [0, -1, None])
def test_a_placeholder_is_no_object_of_a_packet(group):
    row = packets("Rubin", 1)[0]
    row["diaSource"] = row["diaSource"] | {"diaObjectId": group}
    assert alert_of(row, survey="Rubin", place="x").group == ""


def test_a_field_of_another_type_costs_one_packet(tmp_path):
    rows = packets("ZTF", 3)
    table = pa.Table.from_pylist(rows)
    scores = table["candidate"].to_pylist()
    texts = [fields | {"drb": text} for fields, text in zip(scores, ["0.5", "high", "0.25"], strict=True)]
    table = table.set_column(table.schema.get_field_index("candidate"), "candidate", pa.array(texts))
    pq.write_table(table, tmp_path / "night.parquet")
    found = list(read_alerts(tmp_path / "night.parquet"))
    assert [alert.problem for alert in found] == ["", "unreadable packet", ""]
    assert found[2].survey_score == 0.25


def at_the_edge(column, row, *, rows=slice(None), columns=slice(None)):
    """A packet of ZTF with cutouts of 63 pixels of which an edge leaves some rows and columns."""
    cut = [image[rows, columns] for image in images(1, 63)]
    fields = packet("ZTF", 1, cut)
    return fields | {"candidate": fields["candidate"] | {"xpos": column, "ypos": row}}


@pytest.mark.parametrize(
    ("place", "cut"),
    [
        ((1500.0, 20.2), {"rows": slice(12, None)}),
        ((1500.0, 3069.4), {"rows": slice(None, 42)}),
        ((9.6, 1500.0), {"columns": slice(22, None)}),
        ((3071.0, 1500.0), {"columns": slice(None, 33)}),
        ((19.0, 19.0), {"rows": slice(12, None), "columns": slice(12, None)}),  # a square all the same
        ((19.0, 3060.0), {"rows": slice(None, 51), "columns": slice(12, None)}),
    ],
)
def test_a_cutout_that_an_edge_cuts_is_filled_up_about_its_candidate(place, cut):
    alert = alert_of(at_the_edge(*place, **cut), survey="ZTF", place="x")
    assert alert.problem == ""
    for found, whole in zip(alert.images, images(1, 63), strict=True):
        assert found.shape == (63, 63)
        rows, columns = cut.get("rows", slice(None)), cut.get("columns", slice(None))
        np.testing.assert_array_equal(found[rows, columns], whole[rows, columns])
        assert np.isnan(found).sum() == found.size - whole[rows, columns].size


def test_a_small_cutout_far_from_every_edge_stays_as_it_is():
    fields = packet("ZTF", 1, images(1, 25))
    for place in ({"xpos": 1500.0, "ypos": 1500.0}, {"xpos": 14.0, "ypos": 3060.0}, {}):
        alert = alert_of(fields | {"candidate": fields["candidate"] | place}, survey="ZTF", place="x")
        assert (alert.problem, alert.images[0].shape) == ("", (25, 25))


def test_a_cutout_whose_candidate_may_be_anywhere_is_off_centre():
    alert = alert_of(at_the_edge(5.0, 1500.0, columns=slice(12, None)), survey="ZTF", place="x")
    assert (alert.problem, alert.images) == ("off centre", None)
    assert "found 63 x 51 pixels that the detector's edge cuts" in alert.detail


def test_an_identifier_without_end_is_cut_and_flagged():
    fields = packet("ZTF", 1, images(1)) | {"objectId": "x" * 1_000_000}
    alert = alert_of(fields, survey="ZTF", place="a.avro")
    assert (alert.problem, alert.identifier, len(alert.group)) == ("unreadable packet", "1", 256)
    assert alert.detail == "a.avro: expected identifiers of at most 256 characters, found 1,000,000."
