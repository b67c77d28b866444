import hashlib
import logging
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import psutil
import pytest

from alert_packets import write_night
from stampshift.core.errors import ArchiveError, ContractError
from stampshift.core.parallel import WorkerError, recovering_map
from stampshift.stamps.file import Stamps
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.stamps.writer import StampsWriter
from stampshift.surveys import READERS, making, packets
from stampshift.surveys.making import digest, make_stamps

CLASSES = {"kast": "real", "streak": "real", "burn": "bogus"}


def write_archive(folder, count=30):
    rng = np.random.default_rng(0)
    records = []
    for row in range(count):
        science, difference = rng.normal(size=(2, 23, 23)).astype("f4")
        difference[10, row % 23] = -31415
        shape = slice(None, 22) if row == 3 else slice(None)
        label = ("kast", "burn", "streak")[row % 3]
        records.append(
            {"id": f"a{row}", "label": label, "science": science[shape], "difference": difference[shape]}
        )
    folder.mkdir(exist_ok=True)
    (folder / "atlas.pkl").write_bytes(pickle.dumps(records))
    return folder


PREPROCESSING = Preprocessing(
    size_pixels=21,
    normalisation="channel",
    invalid=InvalidPixels(equals=-31415.0),
    classes=CLASSES,
    unlabelled="drop",
)
ARGUMENTS = {
    "survey": "Mine",
    "reader": "atlas",
    "options": {},
    "preprocessing": PREPROCESSING,
    "origin": {"path": "raw/Mine"},
    "checksums": {},
    "unit_minutes": 10,
    "tolerated": 0.001,
}


def make(folder, output, *, processes=1, **changes):
    make_stamps([folder], output=output, processes=processes, **(ARGUMENTS | changes))


@pytest.fixture
def archive(tmp_path, monkeypatch):
    monkeypatch.setattr("stampshift.surveys.atlas.UNIT_CANDIDATES", 4)
    return write_archive(tmp_path / "raw")


def test_stamps_file_holds_the_archive_in_its_order(archive, tmp_path):
    make(archive, tmp_path / "mine.h5")
    stamps = Stamps.open(tmp_path / "mine.h5")
    rows = [row for row in range(30) if row != 3]
    assert stamps.survey == "Mine"
    assert stamps.ids.tolist() == [f"a{row}" for row in rows]
    assert stamps.classes.tolist() == [("kast", "burn", "streak")[row % 3] for row in rows]
    assert stamps.labels.tolist() == [int(row % 3 != 1) for row in rows]
    np.testing.assert_allclose(stamps.stamps[:, 1].mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(stamps.stamps[:, 1].std(axis=(1, 2)), 1, atol=1e-5)


def test_attributes_hold_counts_origin_and_digests(archive, tmp_path):
    make(archive, tmp_path / "mine.h5")
    kept = Stamps.open(tmp_path / "mine.h5").attributes
    content = (archive / "atlas.pkl").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    assert kept["origin"] == {"path": "raw/Mine"}
    assert kept["class_map"] == CLASSES
    assert kept["invalid"] == {"equals": -31415.0, "magnitude_above": None, "nonzero_below": None}
    assert (kept["reader"], kept["size_pixels"], kept["normalisation"]) == ("atlas", 21, "channel")
    assert kept["raw"]["list"] == [{"name": "atlas.pkl", "bytes": len(content), "sha256": sha256}]
    assert (kept["raw"]["files"], kept["raw"]["bytes"]) == (1, len(content))
    counts = kept["counts"]
    assert (counts["read"], counts["kept"], counts["dropped"]["non_square"]) == (30, 29, 1)
    assert counts["classes"] == {"kast": 9, "burn": 10, "streak": 10}
    assert counts["labels"] == {"real": 19, "bogus": 10}
    masked = sum(1 <= row % 23 <= 21 for row in range(30) if row != 3)
    assert counts["filled_pixels"] == {"template": masked, "science": 0, "difference": masked}


def test_number_of_processes_changes_no_byte(archive, tmp_path):
    make(archive, tmp_path / "one.h5", processes=1)
    make(archive, tmp_path / "three.h5", processes=3)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "three.h5").read_bytes()
    with h5py.File(tmp_path / "three.h5") as file:
        assert len(file["stamps"]) == 29


KILLED = """
import os, signal
from pathlib import Path
from stampshift.surveys.making import make_stamps
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.stamps.writer import StampsWriter
from stampshift.surveys import atlas

append, finish = StampsWriter.append, StampsWriter.finish

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def append_and_die(writer, *block, **rest):
    append(writer, *block, **rest)
    die()

def half_finish(writer, path):
    finish(writer, path)
    os.truncate(path, path.stat().st_size // 2)
    die()

atlas.UNIT_CANDIDATES = 4
{patch}
make_stamps([Path({folder!r})], output=Path({output!r}), processes={processes}, **{arguments})
"""
POINTS = {
    "after a block": "StampsWriter.append = append_and_die",
    "while the file is written": "StampsWriter.finish = half_finish",
    "before the rename": "Path.replace = die",
}


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_killed_job_leaves_no_file_and_its_rerun_gives_the_same_bytes(archive, tmp_path, point, processes):
    make(archive, tmp_path / "undisturbed.h5")
    output = tmp_path / "out" / "mine.h5"
    code = KILLED.format(
        patch=POINTS[point],
        folder=str(archive),
        output=str(output),
        processes=processes,
        arguments=ARGUMENTS,
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not output.exists()
    make(archive, output, processes=processes)
    assert output.read_bytes() == (tmp_path / "undisturbed.h5").read_bytes()
    assert list(output.parent.iterdir()) == [output]


def test_killed_worker_leaves_no_file_and_the_rerun_gives_the_same_bytes(archive, tmp_path, monkeypatch):
    make(archive, tmp_path / "undisturbed.h5")
    output = tmp_path / "out" / "mine.h5"
    append = StampsWriter.append

    def append_and_kill(writer, *block, **rest):
        append(writer, *block, **rest)
        for server in psutil.Process().children():
            for worker in server.children():
                os.kill(worker.pid, signal.SIGKILL)

    with monkeypatch.context() as patched:
        patched.setattr(StampsWriter, "append", append_and_kill)
        with pytest.raises(WorkerError, match="a worker process was killed"):
            make(archive, output, processes=2)
    assert list(output.parent.iterdir()) == []
    make(archive, output, processes=2)
    assert output.read_bytes() == (tmp_path / "undisturbed.h5").read_bytes()


def spoil(folder, *rows):
    records = pickle.loads((folder / "atlas.pkl").read_bytes())
    for row in rows:
        records[row]["science"] = b"no FITS"
    (folder / "atlas.pkl").write_bytes(pickle.dumps(records))


@pytest.mark.parametrize("processes", [1, 2])
def test_more_unusable_candidates_than_tolerated_stop_and_leave_nothing(archive, tmp_path, processes):
    spoil(archive, 17)
    with pytest.raises(ArchiveError) as caught:
        make(archive, tmp_path / "out" / "mine.h5", processes=processes)
    first, named, *_ = str(caught.value).splitlines()
    assert first == (
        "Mine: 1 of 30 candidates are unusable, more than the share of 0.001 that surveys.Mine.tolerated "
        "allows. The first of them:"
    )
    assert named.startswith(
        f"  ATLAS archive {archive / 'atlas.pkl'}, candidate a17, science: expected a complete FITS image"
    )
    assert "reader: folder" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_unusable_candidates_below_the_bound_are_dropped_counted_and_named(
    archive, tmp_path, caplog, processes
):
    make(archive, tmp_path / "sound.h5")
    spoil(archive, 17, 20)
    make(archive, tmp_path / "mine.h5", processes=processes, tolerated=2 / 30)
    sound, stamps = (Stamps.open(tmp_path / name) for name in ("sound.h5", "mine.h5"))
    kept = ~np.isin(sound.ids, ["a17", "a20"])
    assert stamps.ids.tolist() == sound.ids[kept].tolist()
    np.testing.assert_array_equal(stamps.stamps, sound.stamps[kept])
    counts = stamps.attributes["counts"]
    assert (counts["read"], counts["kept"]) == (30, 27)
    assert counts["dropped"] == {"non_square": 1, "ragged": 0, "too_small": 0, "unreadable image": 2}
    messages = [record.message for record in caplog.records]
    assert ["candidate a17" in messages[0], "candidate a20" in messages[1]] == [True, True]
    assert all(message.startswith("Mine: dropped: ") for message in messages)


def test_the_first_twenty_are_named_and_all_are_counted(tmp_path, caplog):
    archive = write_archive(tmp_path / "raw", 60)
    spoil(archive, *range(10, 35))
    make(archive, tmp_path / "mine.h5", tolerated=0.5)
    *named, total = [record.message for record in caplog.records]
    assert [message.split("candidate ")[1].split(",")[0] for message in named] == [
        f"a{row}" for row in range(10, 30)
    ]
    assert total == "Mine: 25 candidates were dropped in all"


@pytest.mark.parametrize("name", ["Kast", "KAST"])
def test_a_class_may_differ_from_the_map_in_case(archive, tmp_path, name):
    make(archive, tmp_path / "plain.h5")
    records = pickle.loads((archive / "atlas.pkl").read_bytes())
    for record in records:
        record["label"] = record["label"].replace("kast", name)
    (archive / "atlas.pkl").write_bytes(pickle.dumps(records))
    make(archive, tmp_path / "mine.h5")
    plain, mine = (Stamps.open(tmp_path / stem) for stem in ("plain.h5", "mine.h5"))
    assert mine.classes.tolist() == plain.classes.tolist()


def test_names_of_the_map_that_differ_in_case_alone_are_taken_as_they_are(archive, tmp_path):
    classes = CLASSES | {"Kast": "bogus"}
    make(archive, tmp_path / "mine.h5", preprocessing=replace(PREPROCESSING, classes=classes))
    assert set(Stamps.open(tmp_path / "mine.h5").classes) == {"kast", "streak", "burn"}
    classes = {"KAST": "real", "Kast": "bogus", "burn": "bogus", "streak": "real"}
    with pytest.raises(ArchiveError, match=r"^Mine: candidate a0: expected a class .* found 'kast'"):
        make(archive, tmp_path / "x.h5", preprocessing=replace(PREPROCESSING, classes=classes))


def test_numbers_and_other_names_are_classes_of_the_map(archive, tmp_path):
    records = pickle.loads((archive / "atlas.pkl").read_bytes())
    content = {
        "images": [(record["science"], record["difference"]) for record in records],
        "labels": [{"kast": "asteroid", "burn": 2, "streak": 1}[record["label"]] for record in records],
    }
    (archive / "atlas.pkl").write_bytes(pickle.dumps(content))
    classes = {"asteroid": "real", "1": "real", "2": "bogus"}
    make(archive, tmp_path / "mine.h5", preprocessing=replace(PREPROCESSING, classes=classes))
    assert Stamps.open(tmp_path / "mine.h5").attributes["counts"]["labels"] == {"real": 19, "bogus": 10}


@pytest.mark.parametrize("processes", [1, 2])
def test_class_outside_the_map_names_survey_and_candidate(archive, tmp_path, processes):
    with pytest.raises(
        ArchiveError, match=r"^Mine: candidate a1: expected a class .* \(kast, streak\), found 'burn'"
    ):
        make(
            archive,
            tmp_path / "mine.h5",
            processes=processes,
            preprocessing=replace(PREPROCESSING, classes={"kast": "real", "streak": "real"}),
        )


def test_missing_archive_names_the_survey(tmp_path):
    with pytest.raises(
        ArchiveError, match=r"^Mine: ATLAS archive .*raw: no such file or folder\. Put the pickle"
    ):
        make(tmp_path / "raw", tmp_path / "mine.h5")


def test_archive_of_which_nothing_is_left_is_refused(archive, tmp_path):
    with pytest.raises(ContractError, match=r"Mine: no stamp is left after preprocessing: .*'too_small': 29"):
        make(archive, tmp_path / "mine.h5", preprocessing=replace(PREPROCESSING, size_pixels=25))


def test_a_file_that_changed_since_its_download_is_refused_before_it_is_read(archive, tmp_path):
    (archive / "atlas.pkl").write_bytes(b"damaged")
    with pytest.raises(
        ArchiveError, match=r"^Mine: atlas\.pkl: expected the file that was downloaded, SHA-256 0"
    ):
        make(archive, tmp_path / "mine.h5", checksums={"atlas.pkl": "0" * 64})


def test_digest_of_many_files_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "LISTED_FILES", 1)
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    one, two = (hashlib.sha256(name.encode()).hexdigest() for name in "ab")
    lines = f"{one}  1  a\n{two}  1  b\n"
    assert digest([tmp_path / "a", tmp_path / "b"], threads=2) == {
        "files": 2,
        "bytes": 2,
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }


def fatal(unit):
    """Candidates of a unit; that of packet 4 ends the process that decodes it."""
    found = list(packets.build({}, InvalidPixels()).decode(unit))
    if any(isinstance(each, RawTriplet) and each.identifier == "4" for each in found):
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def test_a_packet_that_kills_what_reads_it_is_dropped_and_named(tmp_path, monkeypatch, caplog):
    write_night(tmp_path / "night", "ZTF", 9)
    settings = {"reader": "packets", "preprocessing": replace(PREPROCESSING, unlabelled="keep")}
    make(tmp_path / "night", tmp_path / "calm.h5", **settings)
    monkeypatch.setitem(READERS, "packets", lambda *given: replace(packets.build(*given), decode=fatal))
    caplog.set_level(logging.WARNING)
    make(tmp_path / "night", tmp_path / "mine.h5", processes=2, **settings)
    calm, stamps = (Stamps.open(tmp_path / name, unlabelled=True) for name in ("calm.h5", "mine.h5"))
    kept = calm.ids != "4"
    assert stamps.ids.tolist() == calm.ids[kept].tolist()
    np.testing.assert_array_equal(stamps.stamps, calm.stamps[kept])
    assert stamps.attributes["counts"]["dropped"]["unreadable packet"] == 1
    assert "4.avro" in caplog.text and "its worker process was killed" in caplog.text


@pytest.mark.parametrize(("processes", "minutes"), [(1, 10), (2, 0.5)])
def test_a_packet_may_take_as_long_as_is_said(tmp_path, monkeypatch, processes, minutes):
    seen = []

    def watched(*arguments, recovery, **options):
        seen.append(recovery.seconds)
        return recovering_map(*arguments, recovery=recovery, **options)

    monkeypatch.setattr(making, "recovering_map", watched)
    write_night(tmp_path / "night", "ZTF", 2)
    settings = {"reader": "packets", "preprocessing": replace(PREPROCESSING, unlabelled="keep")}
    make(tmp_path / "night", tmp_path / "x.h5", processes=processes, unit_minutes=minutes, **settings)
    assert seen == [60 * minutes]
