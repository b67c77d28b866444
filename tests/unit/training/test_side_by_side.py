"""Which runs end how when processes are killed or memory does not suffice; the work is not a training."""

import logging
import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from stampshift.core.parallel import WorkerError
from stampshift.training.cohort import side_by_side


@dataclass(frozen=True)
class Named:
    """All that the scheduling needs of a plan."""

    folder: str


def killed(folder):
    os.kill(os.getpid(), signal.SIGKILL)


def out_of_memory(folder):
    raise MemoryError


def out_of_torchs_memory(folder):
    import torch

    torch.empty(10**15)


def work(plan, *, bar_position, folder, fail, name, times):
    """Note start and end of a run; the run `name` fails the first `times` times."""
    note(folder, f"{plan.folder} starts")
    if plan.folder == name and (folder / "log").read_text().count(f"{name} starts") <= times:
        note(folder, f"{plan.folder} ends")
        fail(folder)
    note(folder, f"{plan.folder} ends")


def note(folder, line):
    with (folder / "log").open("a") as file:
        file.write(f"{line}\n")


def outcomes(folder, *, fail, times, processes, count=6):
    task = partial(work, folder=folder, fail=fail, name="run-1", times=times)
    plans = [Named(f"run-{number}") for number in range(count)]
    done = list(side_by_side(task, plans, processes=processes, initialise=os.getpid))
    assert sorted(plan.folder for plan, _ in done) == [plan.folder for plan in plans]
    return {plan.folder: error for plan, error in done}


def most_at_work(lines):
    at_work = most = 0
    for line in lines:
        at_work += 1 if line.endswith("starts") else -1
        most = max(most, at_work)
    return most


@pytest.mark.parametrize("fail", [killed, out_of_memory, out_of_torchs_memory])
def test_a_run_that_fails_beside_others_for_memory_is_tried_again_with_fewer(tmp_path, caplog, fail):
    caplog.set_level(logging.WARNING)
    assert set(outcomes(tmp_path, fail=fail, times=1, processes=2).values()) == {None}
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("run-1: ")
    assert message.endswith("Continuing with 1 at a time.")
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines.count("run-1 starts") == 2
    assert lines.count("run-0 starts") == 1
    again = len(lines) - 1 - lines[::-1].index("run-1 starts")
    assert most_at_work(lines[again:]) == 1


@pytest.mark.parametrize(("fail", "error"), [(killed, WorkerError), (out_of_memory, MemoryError)])
def test_a_run_that_fails_alone_has_failed_and_the_others_finish(tmp_path, fail, error):
    ended = outcomes(tmp_path, fail=fail, times=99, processes=4)
    assert isinstance(ended.pop("run-1"), error)
    assert set(ended.values()) == {None}
    # beside three others, beside one, alone
    assert (tmp_path / "log").read_text().count("run-1 starts") == 3


def test_a_killed_run_says_what_probably_killed_it(tmp_path):
    ended = outcomes(tmp_path, fail=killed, times=99, processes=2, count=2)
    assert str(ended["run-1"]) == (
        "a worker process was killed, most likely by the system's out-of-memory killer (`dmesg` shows it), "
        "with only this one running. Give the job more memory; a rerun continues from the checkpoint."
    )


def refuse(folder: Path):
    raise ValueError("the run is wrong")


def test_any_other_error_is_the_runs_own_and_is_not_tried_again(tmp_path):
    ended = outcomes(tmp_path, fail=refuse, times=99, processes=2)
    assert str(ended.pop("run-1")) == "the run is wrong"
    assert set(ended.values()) == {None}
    assert (tmp_path / "log").read_text().count("run-1 starts") == 1
