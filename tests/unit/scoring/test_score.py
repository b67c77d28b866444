import math
import shutil
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alert_packets import container, images, packet, packets, wire, write_night
from fake_surveys import write_survey
from stampshift import alerts
from stampshift.core.errors import ArchiveError, ConfigError, ContractError
from stampshift.scoring import parts, score, units
from stampshift.scoring.scores_file import SCHEMA, read_scores
from stampshift.scoring.units import score_alerts
from stampshift.stamps.cropping import central_crop
from stampshift.stamps.file import Stamps
from stampshift.stamps.preprocessing import Counts, normalise_and_fill
from stampshift.stamps.raw_triplets import InvalidPixels

LOWEST = np.float32(-3.4028235e38)


def by_hand(released, triplet):
    """Score of one triplet that was cropped and normalised here."""
    crops = np.stack([central_crop(np.asarray(image, np.float32), size_pixels=21) for image in triplet])
    stamps = normalise_and_fill(
        crops[np.newaxis], normalisation="channel", invalid=InvalidPixels(), counts=Counts()
    )
    return released.score_stamps(stamps)


def write_packet(path, survey, triplet, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(container(survey, [packet(survey, 1, triplet, **changes)]))


def test_every_survey_is_scored_like_its_triplets_preprocessed_by_hand(run, released, tmp_path):
    for survey in ("ZTF", "Rubin", "PGIR"):
        write_night(tmp_path / "night" / survey, survey, 3)
    night, output = run(tmp_path / "night")
    table = pd.read_parquet(output)
    assert list(table.columns) == SCHEMA.names
    assert (night.lines, night.scored) == (9, 9)
    assert table["survey"].value_counts().to_dict() == {"ZTF": 3, "Rubin": 3, "PGIR": 3}
    expected = sorted(float(by_hand(released, images(number)).score[0]) for number in (1, 2, 3))
    for _, rows in table.groupby("survey"):
        assert sorted(rows["score"]) == pytest.approx(expected, abs=1e-6)


def test_what_cannot_be_scored_has_a_flag_a_reason_and_no_score(run, tmp_path):
    night = tmp_path / "night"
    good = images(1)
    write_packet(night / "1-good.avro", "ZTF", good)
    write_packet(night / "2-cut.avro", "ZTF", [image[:25] for image in good])
    write_packet(night / "3-small.avro", "ZTF", images(1, side=15))
    write_packet(night / "4-ragged.avro", "ZTF", [good[0][:-2, :-2], *good[1:]])
    write_packet(night / "5-blank.avro", "ZTF", [good[0], good[1], np.full_like(good[2], np.nan)])
    write_packet(night / "6-missing.avro", "ZTF", good, cutoutTemplate=None)
    (night / "7-damaged.avro").write_bytes(b"no packet")
    (night / "8-wire.avro").write_bytes(wire("Rubin", packets("Rubin", 1)[0], schema=900))
    night, output = run(night)
    table = pd.read_parquet(output)
    assert table["flag"].tolist() == [
        table["flag"].iloc[0],
        "not square",
        "too small",
        "sizes differ",
        "no valid pixel",
        "missing cutout",
        "unreadable packet",
        "unknown schema",
    ]
    assert table["score"].notna().tolist() == [True] + [False] * 7
    assert (night.lines, night.scored) == (8, 1)
    assert table["reason"].iloc[0] == ""
    assert (
        table["reason"]
        .iloc[1]
        .endswith(
            "record 0: expected three square images of at least 21 pixels, found 25 x 31, 25 x 31, 25 x 31."
        )
    )
    assert "found none in difference" in table["reason"].iloc[4]
    assert table["reason"].iloc[1:].str.len().min() > 20


def test_marks_of_the_packets_survey_are_not_pixels(run, released, tmp_path):
    template, science, difference = images(1)
    marked, missing = template.copy(), template.copy()
    centre = template.shape[0] // 2
    marked[centre, : 3 + centre], missing[centre, : 3 + centre] = LOWEST, np.nan
    write_packet(tmp_path / "night" / "1.avro", "ZTF", (marked, science, difference))
    _, output = run(tmp_path / "night")
    expected = by_hand(released, (missing, science, difference)).score[0]
    assert pd.read_parquet(output)["score"][0] == pytest.approx(float(expected), abs=1e-6)


def test_marks_of_a_survey_of_the_model_count_where_the_alerts_are_said_to_be_of_it(run, released, tmp_path):
    template, science, difference = images(1)
    marked, missing = science.copy(), science.copy()
    centre = science.shape[0] // 2
    marked[centre, centre - 4], missing[centre, centre - 4] = -31415, np.nan
    write_packet(tmp_path / "night" / "1.avro", "Rubin", (template, marked, difference))
    own = pd.read_parquet(run(tmp_path / "night")[1])["score"][0]
    table = pd.read_parquet(run(tmp_path / "night", survey="B", overwrite=True)[1])
    expected = float(by_hand(released, (template, missing, difference)).score[0])
    assert table["survey"].tolist() == ["B"]
    assert table["score"][0] == pytest.approx(expected, abs=1e-6)
    assert own != pytest.approx(expected, abs=1e-6)


def test_stamps_files_are_scored_row_by_row(run, released, tmp_path, monkeypatch):
    monkeypatch.setattr(score, "ROWS_PER_UNIT", 7)
    path = write_survey(tmp_path, "A", width=1.5, count=30)
    _, output = run(path, output=tmp_path / "scores.csv", threshold=0.5)
    table, stamps = read_scores(output), Stamps.open(path)
    expected = released.score_stamps(np.array(stamps.stamps)).score
    assert table["id"].tolist() == stamps.ids.tolist()
    assert table["score"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert table["real"].tolist() == (expected >= 0.5).tolist()
    assert table["survey_score"].isna().all()


def test_stamps_of_another_size_are_refused(tmp_path):
    path = write_survey(tmp_path, "A", width=1.5, count=30)
    contract = SimpleNamespace(size_pixels=31, normalisation="channel")
    with pytest.raises(ContractError, match=r"A\.h5: model scores stamps of size_pixels 31, found 21\. Make"):
        units.check_stamps(path, release=SimpleNamespace(contract=contract, folder="model"))


def test_a_stopped_call_continues_and_ends_with_the_same_bytes(run, tmp_path, monkeypatch):
    monkeypatch.setattr(score, "ROWS_PER_UNIT", 10)
    monkeypatch.setattr(parts, "PART_LINES", 20)
    path = write_survey(tmp_path, "A", width=1.5, count=100)
    _, whole = run(path, output=tmp_path / "whole.parquet")
    scored = []

    def stop_at_the_sixth(unit, *, scoring):
        if len(scored) == 5:
            raise KeyboardInterrupt
        scored.append(unit)
        return score_unit(unit, scoring=scoring)

    score_unit = score.score_unit
    monkeypatch.setattr(score, "score_unit", stop_at_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        run(path)
    assert not (tmp_path / "scores.parquet").exists()
    monkeypatch.setattr(score, "score_unit", score_unit)
    night, output = run(path)
    assert (night.kept, night.lines) == (50, 100)
    assert output.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob(".scores.parquet.*"))


def test_parts_of_another_threshold_are_not_reused(run, tmp_path, monkeypatch):
    monkeypatch.setattr(score, "ROWS_PER_UNIT", 10)
    path = write_survey(tmp_path, "A", width=1.5, count=30)
    join = parts.Parts.join
    monkeypatch.setattr(parts.Parts, "join", lambda self, **options: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(path)
    monkeypatch.setattr(parts.Parts, "join", join)
    night, _ = run(path, threshold=0.5)
    assert night.kept == 0


def test_a_network_alone_scores_a_night_as_its_release(run, released, tmp_path):
    write_night(tmp_path / "night", "Rubin", 3)
    _, output = run(tmp_path / "night")
    alone = shutil.copy(released.folder / "model.onnx", tmp_path)
    _, other = run(tmp_path / "night", release=alone, output=tmp_path / "alone.parquet")
    assert other.read_bytes() == output.read_bytes()


def test_the_number_of_processes_changes_no_byte(run, tmp_path):
    write_night(tmp_path / "night", "ZTF", 4)
    path = write_survey(tmp_path, "A", width=1.5, count=30)
    outputs = [
        run(tmp_path / "night", path, output=tmp_path / f"{processes}.parquet", processes=processes)[1]
        for processes in (1, 2)
    ]
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_a_scores_file_is_not_replaced_unless_asked(run, tmp_path):
    write_night(tmp_path / "night", "ZTF", 1)
    run(tmp_path / "night")
    with pytest.raises(ConfigError, match=r"scores\.parquet: already exists; give another --output"):
        run(tmp_path / "night")
    run(tmp_path / "night", overwrite=True)


def test_a_name_that_says_no_format_is_refused_before_anything_is_read(run, tmp_path):
    with pytest.raises(
        ConfigError, match=r"expected a name that ends in \.parquet, \.csv, \.fits, \.vot, found '\.txt'"
    ):
        run(tmp_path / "absent", output=tmp_path / "scores.txt")


def test_the_summary_counts_flags_and_shows_the_first_reasons(run, tmp_path):
    for number in range(5):
        (tmp_path / "night").mkdir(exist_ok=True)
        (tmp_path / "night" / f"{number}.avro").write_bytes(b"no packet")
    night, output = run(tmp_path / "night")
    text = night.as_text(output, threshold=None)
    assert f"{output}: 5 candidates, 0 scored; " in text
    assert "  unreadable packet: 5" in text
    assert text.endswith("  (2 more in the column `reason`)")
    assert math.isfinite(night.seconds)


def test_real_packets_are_scored_or_flagged(run, real_data):
    expected = {
        "ztf_alerts": (554, {}),
        "rubin_alerts": (114, {"missing cutout": 4, "unknown schema": 1}),
        "atlas_alerts/avro": (12, {}),
        "other_survey_alerts/pgir": (17, {}),
    }
    for folder, (lines, flags) in expected.items():
        night, output = run(real_data / folder, overwrite=True)
        found = dict(night.flags)
        found.pop("out of distribution", None)
        assert (night.lines, found) == (lines, flags), folder
        assert night.scored == lines - sum(flags.values())
        scores = pd.read_parquet(output)["score"].dropna()
        assert scores.between(0, 1).all()


def test_images_without_information_are_flagged(run, tmp_path):
    night = tmp_path / "night"
    flat = [np.full((31, 31), level, np.float32) for level in (100.0, 100.0, 0.0)]
    write_packet(night / "1.avro", "ZTF", flat)
    write_packet(night / "2.avro", "ZTF", images(2))
    write_packet(night / "3.avro", "ZTF", [*flat[:2], images(1)[2]])  # one of them is enough
    _, output = run(night)
    table = pd.read_parquet(output)
    assert table["flag"].str.contains("no information").tolist() == [True, False, False]
    assert table["score"].isna().tolist() == [True, False, False]
    assert table["reason"][0].endswith("expected images of something, found each of the three constant.")


def test_a_caution_leaves_score_and_reason(run, tmp_path):
    rows = packets("ZTF", 2)
    table = pa.Table.from_pylist(rows)
    ids = pa.array([1786216730815015018.0, 7.0])
    (tmp_path / "night").mkdir()
    pq.write_table(
        table.set_column(table.schema.get_field_index("candid"), "candid", ids), tmp_path / "night/a.parquet"
    )
    _, output = run(tmp_path / "night")
    scored = pd.read_parquet(output)
    assert scored["id"].tolist() == ["", "7"]
    assert "inexact identifier" in scored["flag"][0] and "2^53" in scored["reason"][0]
    assert scored["score"].notna().all()


def test_files_that_are_passed_over_are_counted(run, tmp_path):
    write_night(tmp_path / "night", "ZTF", 2)
    for name in ("notes.txt", "more.txt", "map.png"):
        (tmp_path / "night" / name).touch()
    night, output = run(tmp_path / "night")
    assert "3 files passed over: 2 .txt, 1 .png" in night.as_text(output, threshold=None)


def test_a_stamps_file_that_changed_is_not_scored(run, tmp_path):
    path = write_survey(tmp_path, "A", width=1.5, count=30)
    with h5py.File(path, "r+") as file:
        file["stamps"][2, 1, 3, 3] += 1
    with pytest.raises(ContractError, match=r"A\.h5: its content has changed since it was written"):
        run(path)


def test_alerts_are_not_taken_for_a_survey_that_the_model_does_not_know(run, released, tmp_path):
    """It has no threshold for one, and would label a night by a name that is not its own."""
    night = write_night(tmp_path / "night", "Rubin", 2)
    refused = "knows A and B, found the survey LSST; leave it out where the alerts are of another survey"
    with pytest.raises(ContractError, match=refused):
        run(night, survey="LSST")
    with pytest.raises(ContractError, match=refused):
        score_alerts(released, alerts.read_alerts(night), survey="LSST")
    assert not (tmp_path / "scores.parquet").exists()


def test_a_path_without_any_alert_is_refused_before_the_others_are_scored(run, tmp_path):
    night = write_night(tmp_path / "night", "Rubin", 2)
    (tmp_path / "README.md").write_text("# stampshift\n")
    with pytest.raises(ArchiveError, match=r"README\.md: expected packets, found a file that begins with"):
        run(night, tmp_path / "README.md")
    with pytest.raises(ConfigError, match="nowhere: no such folder of schemas"):
        run(night, schemas=tmp_path / "nowhere")
    assert not (tmp_path / "scores.parquet").exists()


def test_a_long_night_tells_how_far_it_is_without_a_terminal(released, tmp_path, monkeypatch, told):
    """How many alerts there are is not known; where in the files the last one was is."""
    monkeypatch.setattr("stampshift.alerts.containers.UNIT_PACKETS", 1)
    night = write_night(tmp_path / "night", "Rubin", 2)
    options = {"schemas": None, "survey": None, "threshold": None, "unit_minutes": 1, "overwrite": False}
    for progress in (False, True):
        output = tmp_path / f"{progress}.csv"
        score.score(released.folder, [night], output=output, processes=1, progress=progress, **options)
    assert told() == [
        "score: 1 alerts in 0:01:00",
        "score: 2 alerts in 0:02:00; about 50%, 0:02:00 remaining",
    ]
