import fcntl
import logging
import os
import re
import socket

import pytest

from stampshift.core import locks as lock
from stampshift.core.locks import LockedError, locked


def test_a_second_writer_learns_who_holds_the_lock_and_stops(tmp_path):
    path = tmp_path / "store/run.lock"
    with locked(path, name="mme/A-to-B/shots-1/seed-0"):
        message = (
            rf"mme/A-to-B/shots-1/seed-0 is being trained by process {os.getpid()} on "
            rf"{re.escape(socket.gethostname())} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00, which has "
            rf"locked {re.escape(str(path))}. Wait until it has ended, or end it; then run the same "
            "command again"
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


def test_what_a_killed_process_left_is_not_a_lock(tmp_path):
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
    assert (
        "this file system does not support locks: make sure that a run is not being trained by a second job"
        in caplog.text
    )


def test_an_earlier_start_of_the_same_slurm_job_is_waited_for(tmp_path, monkeypatch, caplog):
    """SLURM lost a node and started its job again elsewhere; then the node's process ends."""
    path = tmp_path / "run.lock"
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURMD_NODENAME", "gpu-3")
    earlier = locked(path, name="a run")
    earlier.__enter__()
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            earlier.__exit__(None, None, None)

    monkeypatch.setattr(lock.time, "sleep", pause)
    with locked(path, name="a run"):
        assert pauses == [1, 1, 1]
    (told,) = caplog.messages
    assert told.startswith(f"a run: process {os.getpid()} on gpu-3 since ")
    assert (
        ", SLURM job 17, an earlier start of this job, has not ended yet. Waiting for it, at most 30 min"
        in told
    )


def test_an_earlier_start_that_does_not_end_is_named_in_the_end(tmp_path, monkeypatch):
    path = tmp_path / "run.lock"
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setattr(lock, "WAIT_MINUTES", 0)
    with (
        locked(path, name="a run"),
        pytest.raises(LockedError, match=r"a run is being trained by .*, SLURM job 17, which has locked"),
        locked(path, name="a run"),
    ):
        pytest.fail("two writers")


def test_another_slurm_job_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "run.lock"
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: pytest.fail("it waits"))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with locked(path, name="a run"):
        monkeypatch.setenv("SLURM_JOB_ID", "17")
        with pytest.raises(LockedError, match="SLURM job 7, which"), locked(path, name="a run"):
            pytest.fail("two writers")
