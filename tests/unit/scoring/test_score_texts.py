"""Exit statuses, names that cannot be decoded, and cells that a spreadsheet would take for formulas."""

import os
import sys

import pandas as pd
import pytest

from alert_packets import container, images, packet, write_night
from stampshift import cli
from stampshift.alerts.dialects import UNREADABLE_FILE
from stampshift.scoring.score import ScoredNight
from stampshift.scoring.scores_file import read_scores


@pytest.mark.parametrize(
    ("lines", "scored", "flags", "share", "status", "sentence"),
    [
        (10, 10, {}, 0.0, 0, "exit status 0: 10 candidates scored, 0 flagged without a score."),
        (10, 1, {"too small": 9}, 1.0, 0, "exit status 0: 1 candidates scored, 9 flagged"),
        (10, 9, {"too small": 1}, 0.1, 0, "exit status 0"),
        (10, 8, {"too small": 2}, 0.1, 3, "exit status 3: 2 of 10 candidates have no score, more than the"),
        (10, 9, {UNREADABLE_FILE: 1}, 1.0, 3, "exit status 3: the system did not give 1 files or packets"),
        (10, 0, {"too small": 10}, 1.0, 4, "exit status 4: no candidate was scored."),
        (0, 0, {}, 1.0, 4, "exit status 4: no candidate was scored."),
    ],
)
def test_the_exit_status_says_what_was_scored(lines, scored, flags, share, status, sentence):
    night = ScoredNight(lines=lines, scored=scored)
    night.flags.update(flags)
    found = night.verdict(max_unscored=share)
    assert found[0] == status
    assert found[1].startswith(sentence)


def score(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["stampshift", "score", *map(str, arguments), "--processes", "1"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


def test_the_command_ends_with_that_status_and_says_so(released, monkeypatch, capsys, tmp_path):
    night = write_night(tmp_path / "night", "ZTF", 3)
    (night / "z.avro").write_bytes(b"no packet")
    for share, status in ((1, 0), (0.25, 0), (0.2, 3)):
        output = tmp_path / f"{share}.parquet"
        found = score(monkeypatch, released.folder, night, "--output", output, "--max-unscored", share)
        assert found == status
        assert f"exit status {status}: " in capsys.readouterr().out
    assert score(monkeypatch, released.folder, night / "z.avro", "--output", tmp_path / "none.csv") == 4


def test_a_link_to_nowhere_does_not_stop_the_night(run, tmp_path):
    night = write_night(tmp_path / "night", "ZTF", 2)
    (night / "0.avro").symlink_to(tmp_path / "gone.avro")
    found, _ = run(night)
    assert found.scored == 2
    if found.lines > 2:
        assert found.verdict(max_unscored=1.0)[0] == 3


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_undecodable_names_and_escapes_of_a_terminal_are_scored_and_written_escaped(run, tmp_path, suffix):
    night = tmp_path / "night"
    night.mkdir()
    content = container("ZTF", [packet("ZTF", 1, images(1), objectId="\x1b[31mred")])
    (night / os.fsdecode(b"caf\xe9-\x1b[2J.avro")).write_bytes(content)
    found, output = run(night, output=tmp_path / f"scores{suffix}")
    assert (found.lines, found.scored) == (1, 1)
    table = read_scores(output)
    assert table["place"].tolist() == [f"{night}/caf\\xe9-\\x1b[2J.avro, record 0"]
    assert table["object"].tolist() == ["\\x1b[31mred"]


NAMES = ["=1+1", "+1", "-7", "@x", "'=1", "''-1", "'plain", "a=b", "007"]


def test_no_cell_of_a_csv_is_a_formula_and_all_are_read_back_as_they_were(run, tmp_path):
    night = tmp_path / "night"
    night.mkdir()
    for number, name in enumerate(NAMES):
        content = container("ZTF", [packet("ZTF", 1 + number, images(1), objectId=name)])
        (night / f"{number}.avro").write_bytes(content)
    _, parquet = run(night)
    _, csv = run(night, output=tmp_path / "scores.csv")
    assert pd.read_parquet(parquet)["object"].tolist() == NAMES
    assert read_scores(csv)["object"].tolist() == NAMES
    raw = pd.read_csv(csv, dtype=str)["object"]
    assert not raw.str.match(r"[=+@-]").any()
    assert raw.tolist() == ["'=1+1", "'+1", "'-7", "'@x", "''=1", "'''-1", "'plain", "a=b", "007"]
