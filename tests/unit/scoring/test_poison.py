"""A candidate that ends whatever reads it is flagged by its place, and the others are scored as ever."""

import os
import signal
import threading
from functools import partial

import pandas as pd
import pytest

from alert_packets import container, images, packet, packets, write_night
from fake_surveys import write_survey
from stampshift.scoring import score, units

REASONS = {
    "killed": "its worker process was killed, most likely by the system's out-of-memory killer",
    "crashed": "its worker process ended (SIGSEGV)",
    "memory": "it took more memory than there is",
}


def poisoned(unit, *, scoring, identifier, way):
    """Scores a unit, unless there is a certain candidate in it that can be read."""
    candidates = []
    prepare = units.prepare

    def watched(found, **options):
        found = list(found)
        candidates.extend(alert.identifier for alert in found if not alert.problem)
        return prepare(found, **options)

    units.prepare = watched
    try:
        table = units.score_unit(unit, scoring=scoring)
    finally:
        units.prepare = prepare
    of_stamps = isinstance(unit, units.StampRows)
    found = table.filter(table["score"].is_valid())["id"].to_pylist() if of_stamps else candidates
    if identifier in found:
        if way == "memory":
            raise MemoryError
        if way == "slow":
            threading.Event().wait()
        os.kill(os.getpid(), signal.SIGKILL if way == "killed" else signal.SIGSEGV)
    return table


def write_all(folder):
    """Packets in files, in a container of blocks of four, and a packet that is damaged."""
    write_night(folder, "ZTF", 5)
    (folder / "night.avro").write_bytes(container("Rubin", packets("Rubin", 12, first=101), per_block=4))
    (folder / "z.avro").write_bytes(b"no packet")


@pytest.mark.parametrize(
    ("way", "identifier", "place"),
    [
        ("killed", "3", "3.avro"),
        ("crashed", "106", "night.avro, record 5"),
        ("memory", "112", "night.avro, record 11"),
    ],
)
def test_one_packet_is_flagged_and_the_rest_scored_to_the_last_bit(
    run, tmp_path, monkeypatch, way, identifier, place
):
    night = tmp_path / "night"
    write_all(night)
    _, calm = run(night, output=tmp_path / "calm.parquet")
    work = partial(poisoned, identifier=identifier, way=way)
    monkeypatch.setattr(score, "score_unit", work)
    found, output = run(night, processes=2)
    table, expected = pd.read_parquet(output), pd.read_parquet(calm)
    assert (found.lines, found.scored) == (18, 16)
    bad = table[table["flag"] == "unreadable packet"]
    assert f"{night}/{place}" in [where.partition(", record 0")[0] for where in bad["place"]]
    (reason,) = set(bad["reason"][bad["place"].str.startswith(f"{night}/{place}")])
    assert reason.endswith(f"cannot be read: {REASONS[way]}.")
    assert identifier in bad["id"].tolist()
    good = table["score"].notna()
    assert good.sum() == 16
    assert table[good].equals(expected[good])


def test_a_packet_that_takes_too_long_is_flagged(run, tmp_path, monkeypatch):
    night = tmp_path / "night"
    for number in (1, 2):
        night.mkdir(exist_ok=True)
        (night / f"{number}.avro").write_bytes(container("ZTF", [packet("ZTF", number, images(number))]))
    monkeypatch.setattr(score, "score_unit", partial(poisoned, identifier="2", way="slow"))
    found, output = run(night, processes=2, unit_minutes=10 / 60)
    assert (found.lines, found.scored) == (2, 1)
    reason = pd.read_parquet(output)["reason"][1]
    assert reason == f"{night}/2.avro, record 0: cannot be read: it took more than 10 seconds."


@pytest.mark.parametrize(("way", "processes"), [("killed", 2), ("memory", 1)])
def test_a_row_of_a_stamps_file_is_flagged(run, tmp_path, monkeypatch, way, processes):
    monkeypatch.setattr(score, "ROWS_PER_UNIT", 16)
    path = write_survey(tmp_path, "A", width=1.5, count=30)
    _, calm = run(path, output=tmp_path / "calm.parquet")
    expected = pd.read_parquet(calm)
    bad = expected["id"][20]
    monkeypatch.setattr(score, "score_unit", partial(poisoned, identifier=bad, way=way))
    night, output = run(path, processes=processes)
    table = pd.read_parquet(output)
    assert (night.lines, night.scored) == (30, 29)
    assert table[["id", "place"]].equals(expected[["id", "place"]])
    assert table["reason"][20] == f"{path}, row 20: cannot be read: {REASONS[way]}."
    good = table["score"].notna()
    assert table[good].equals(expected[good])


def killed_once(unit, *, scoring, folder):
    mark = folder / f"killed-{len(list(folder.iterdir()))}"
    if len(list(folder.iterdir())) < 3:
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return units.score_unit(unit, scoring=scoring)


def test_workers_that_are_killed_by_chance_change_no_byte(run, tmp_path, monkeypatch):
    write_all(tmp_path / "night")
    _, calm = run(tmp_path / "night", output=tmp_path / "calm.parquet")
    (tmp_path / "marks").mkdir()
    monkeypatch.setattr(score, "score_unit", partial(killed_once, folder=tmp_path / "marks"))
    _, output = run(tmp_path / "night", processes=2)
    assert len(list((tmp_path / "marks").iterdir())) == 3
    assert output.read_bytes() == calm.read_bytes()
