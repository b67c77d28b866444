import fcntl
import logging
import os
import re
import socket

import pytest

from stampshift.training.lock import LockedError, locked


def test_a_second_writer_is_told_who_holds_the_lock_and_stops(tmp_path):
    path = tmp_path / "store/run.lock"
    with locked(path, name="mme/A-to-B/shots-1/seed-0"):
        message = (
            rf"mme/A-to-B/shots-1/seed-0 is being trained by process {os.getpid()} on "
            rf"{re.escape(socket.gethostname())} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00, which holds "
            rf"{re.escape(str(path))}. Wait until it has ended, or end it; then run the same command again"
        )
        with pytest.raises(LockedError, match=message), locked(path, name="mme/A-to-B/shots-1/seed-0"):
            pytest.fail("two writers")
    assert list(path.parent.iterdir()) == []


def test_the_lock_is_free_after_the_block_whatever_happens_there(tmp_path):
    path = tmp_path / "run.lock"
    with pytest.raises(RuntimeError, match="within"), locked(path, name="a run"):
        raise RuntimeError("within")
    with locked(path, name="a run"):
        pass


def test_what_a_killed_process_left_is_no_lock(tmp_path):
    path = tmp_path / "run.lock"
    path.write_text("process 1 on elsewhere since 1970-01-01 00:00:00+00:00\n")
    with locked(path, name="a run"):
        assert path.read_text().startswith(f"process {os.getpid()} on ")


def test_a_lock_file_that_its_holder_removes_in_between_is_not_taken_for_the_lock(tmp_path, monkeypatch):
    """The file is removed between its opening and its locking: locking it would keep nobody else out."""
    path, flock = tmp_path / "run.lock", fcntl.flock

    def removed_first(file, operation):
        path.unlink()
        monkeypatch.undo()
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", removed_first)
    with locked(path, name="a run"), path.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch, caplog):
    def refuse(file, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    caplog.set_level(logging.WARNING)
    with locked(tmp_path / "run.lock", name="a run"):
        pass
    assert "this file system has no locks: see that no second job trains a run" in caplog.text
