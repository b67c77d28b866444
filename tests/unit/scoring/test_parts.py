"""One owner per output; parts that survive a stop and are done again where they are damaged."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from alert_packets import write_night
from fake_surveys import write_survey
from stampshift.core.errors import ConfigError, ContractError, WriteError
from stampshift.core.locks import LockedError
from stampshift.scoring import parts, score
from stampshift.scoring.parts import owned_parts


@pytest.fixture
def stamps(tmp_path, monkeypatch):
    """A hundred stamps in ten units, of which two make a part."""
    monkeypatch.setattr(score, "ROWS_PER_UNIT", 10)
    monkeypatch.setattr(parts, "PART_LINES", 20)
    return write_survey(tmp_path, "A", width=1.5, count=100)


@pytest.fixture
def stopped(run, stamps, tmp_path, monkeypatch):
    """What a calm run gives, and the parts of one that was stopped after eight units."""
    _, calm = run(stamps, output=tmp_path / "calm.parquet")
    whole, scored = score.score_unit, []

    def stop(unit, *, scoring):
        if len(scored) == 8:
            raise KeyboardInterrupt
        scored.append(unit)
        return whole(unit, scoring=scoring)

    with monkeypatch.context() as patched:
        patched.setattr(score, "score_unit", stop)
        with pytest.raises(KeyboardInterrupt):
            run(stamps)
    (folder,) = tmp_path.glob(".scores.parquet.*.parts")
    found = sorted(folder.iterdir())
    assert len(found) == 4
    return calm.read_bytes(), found


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip, os.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_damaged_part_and_those_behind_it_are_done_again(run, stamps, stopped, damage, number):
    calm, found = stopped
    damage(found[number])
    night, output = run(stamps)
    assert (night.kept, night.lines) == (20 * number, 100)
    assert output.read_bytes() == calm


def test_a_part_that_is_damaged_while_it_is_in_use_is_named_and_done_again(run, stamps, stopped, monkeypatch):
    calm, found = stopped
    join = parts.Parts.join

    def damage_and_join(self, **options):
        flip(found[1])
        join(self, **options)

    with monkeypatch.context() as patched:
        patched.setattr(parts.Parts, "join", damage_and_join)
        with pytest.raises(ContractError, match=rf"{found[1].name}: this part of .* has changed on the disk"):
            run(stamps)
    night, output = run(stamps)
    assert (night.kept, output.read_bytes()) == (20, calm)


def test_leftovers_of_killed_runs_are_removed_and_those_of_other_outputs_stay(run, stamps, stopped, tmp_path):
    _, (part, *_) = stopped
    (part.parent / f".{part.stem}.0123abcd.part.parquet").write_bytes(b"half")
    (tmp_path / ".scores.0123abcd.part.parquet").write_bytes(b"half")
    (tmp_path / ".scores.parquet.lock").write_text("process 1 on elsewhere since 1970\n")
    for folder in (".scores.parquet.0123456789abcdef.parts", ".calm.parquet.0123456789abcdef.parts"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "000000000-000000002-0123456789abcdef.parquet").write_bytes(b"")
    night, _ = run(stamps)
    assert night.kept == 80
    hidden = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert hidden == [".calm.parquet.0123456789abcdef.parts"]


@pytest.mark.parametrize("link", ["none", "folder", "file"])
@pytest.mark.parametrize("key", ["the same", "another"])
def test_an_output_has_one_owner_whatever_its_key_and_name(run, stamps, tmp_path, link, key):
    folder, output = tmp_path / "out", tmp_path / "out" / "scores.parquet"
    folder.mkdir()
    second = output
    if link == "folder":
        (tmp_path / "linked").symlink_to(folder)
        second = tmp_path / "linked" / "scores.parquet"
    if link == "file":
        second = tmp_path / "scores.parquet"
        second.symlink_to(output)
    with owned_parts(output, key="0" * 16, overwrite=False):
        message = (
            rf"{second} is being written by process {os.getpid()} on .* since .*, which has locked .*\.lock"
        )
        with pytest.raises(LockedError, match=message):
            run(stamps, output=second, threshold=0.5 if key == "another" else None)
    night, _ = run(stamps, output=second)
    assert night.lines == len(pd.read_parquet(output)) == 100
    assert list(folder.iterdir()) == [output]
    assert second.is_symlink() == (link == "file")


TWO = """
import sys
from pathlib import Path
from stampshift.scoring import parts
add = parts.Parts.add
def wait(self, table, *, units):
    add(self, table, units=units)
    print("scored", flush=True)
    sys.stdin.readline()
parts.Parts.add = wait
from stampshift import cli
if __name__ == "__main__":
    sys.argv = ["stampshift", "score", *sys.argv[1:]]
    cli.main()
"""


@contextmanager
def command(*arguments):
    with subprocess.Popen(
        [sys.executable, "-c", TWO, *map(str, arguments)], stdin=-1, stdout=-1, stderr=-1, text=True
    ) as process:
        yield process


def test_of_two_commands_one_writes_and_the_other_stops_at_once(released, tmp_path):
    night, output = write_night(tmp_path / "night", "ZTF", 3), tmp_path / "scores.parquet"
    arguments = (released.folder, night, "--output", output, "--processes", 1)
    with command(*arguments) as first:
        assert first.stdout.readline() == "scored\n"
        with command(*arguments) as second:
            printed, errors = second.communicate()
        assert (second.returncode, printed) == (1, "")
        assert errors.startswith(f"LockedError: {output} is being written by process {first.pid} on ")
        assert "Traceback" not in errors
        printed, _ = first.communicate("\n")
    assert first.returncode == 0
    assert f"{output}: 3 candidates, 3 scored" in printed
    assert len(pd.read_parquet(output)) == 3


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_keeps_finished_parts_and_leaves_nothing_else(released, tmp_path, number, status, processes):
    night, output = write_night(tmp_path / "night", "ZTF", 3), tmp_path / "out" / "scores.parquet"
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    arguments = (released.folder, night, "--output", output, "--processes", processes)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(temporary))
        with command(*arguments) as process:
            assert process.stdout.readline() == "scored\n"
            process.send_signal(number)
            _, errors = process.communicate()
    assert process.returncode == status
    assert f"stopped by {number.name}; no partial file remains. Run the same command again" in errors
    assert "Traceback" not in errors
    assert list(temporary.iterdir()) == []
    (folder,) = output.parent.iterdir()
    assert [path.suffix for path in folder.iterdir()] == [".parquet"]
    with command(*arguments) as process:
        printed, _ = process.communicate("\n")
    assert process.returncode == 0
    assert "3 candidates, 3 scored" in printed
    assert "3 of them from an earlier call" in printed
    assert list(output.parent.iterdir()) == [output]


def test_a_file_that_appears_meanwhile_is_not_replaced_unless_asked(run, stamps, tmp_path, monkeypatch):
    output, join = tmp_path / "scores.parquet", parts.Parts.join

    def appear_and_join(self, **options):
        output.write_text("another's")
        join(self, **options)

    monkeypatch.setattr(parts.Parts, "join", appear_and_join)
    with pytest.raises(ConfigError, match=r"scores\.parquet: another program made this file in the meantime"):
        run(stamps)
    assert output.read_text() == "another's"
    night, _ = run(stamps, overwrite=True)
    assert (night.kept, len(pd.read_parquet(output))) == (100, 100)


def test_lines_are_counted_before_the_file_gets_its_name(run, stamps, tmp_path, monkeypatch):
    monkeypatch.setattr(parts.Parts, "flush", lambda self: None)
    with pytest.raises(
        ContractError, match="expected 100 lines, one for each candidate, found 0 in its parts"
    ):
        run(stamps)
    assert not (tmp_path / "scores.parquet").exists()


def test_a_link_is_followed_also_where_it_leads_nowhere_yet(run, stamps, tmp_path):
    target = tmp_path / "elsewhere" / "data"
    target.parent.mkdir()
    (tmp_path / "scores.parquet").symlink_to(target)
    run(stamps)
    assert len(pd.read_parquet(target)) == 100
    with pytest.raises(ConfigError, match=r"scores\.parquet: already exists"):
        run(stamps)


def test_outputs_that_cannot_be_are_one_sentence(run, stamps, tmp_path):
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(ConfigError, match=r"folder\.parquet: is a folder; give another --output"):
        run(stamps, output=tmp_path / "folder.parquet", overwrite=True)
    with pytest.raises(WriteError, match="its name is too long"):
        run(stamps, output=tmp_path / f"{'n' * 240}.parquet")
    with pytest.raises(WriteError, match="a file is in the place of its folder"):
        run(stamps, output=stamps / "scores.parquet")


@pytest.mark.parametrize("operation", ["open", "replace"])
def test_an_output_of_another_user_is_one_sentence(run, tmp_path, monkeypatch, operation):
    """The superuser, who may run this, may write anywhere: the system's answer is made here."""
    night, output = write_night(tmp_path / "night", "ZTF", 1), tmp_path / "theirs" / "scores.parquet"
    output.parent.mkdir()
    real = getattr(Path, operation)

    def refused(path, *arguments, **options):
        if path.parent == output.parent:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, operation, refused)
    with pytest.raises(
        WriteError, match=r"belongs to another user, or is protected\. No partial file"
    ) as caught:
        run(night, output=output)
    assert str(caught.value).startswith(f"{output}: cannot be written: {output.parent}/.scores.")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(WriteError, match=r"you have no permission to write to its folder"):
        run(night, output=output)


def test_what_the_system_did_not_give_is_tried_again(run, tmp_path, monkeypatch):
    night = write_night(tmp_path / "night", "ZTF", 3)
    read, join = type(night).read_bytes, parts.Parts.join

    def refuse(path):
        if path.name == "2.avro":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.read_bytes", refuse)
        patched.setattr(parts.Parts, "join", lambda self, **options: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(night)
    assert parts.Parts.join is join
    again, _ = run(night)
    assert (again.kept, again.scored) == (0, 3)
