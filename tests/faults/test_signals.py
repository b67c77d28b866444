"""Training jobs that are killed or asked to end: nothing is lost, and the rerun ends with the same bytes."""

import logging
import os
import re
import signal

import psutil
import pytest

from stampshift.core.locks import LockedError

WAIT = ["baseline/A/seed-1", 2]


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_killed_job_continues_from_its_checkpoints(training_job, undisturbed, caplog, threads):
    process = training_job.start(threads=threads, wait=WAIT)
    worker = psutil.Process(training_job.at_work)
    process.kill()
    process.communicate()
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running()
    training_job.rerun()
    assert "baseline/A/seed-1: continues after epoch 1" in caplog.text
    assert training_job.results() == undisturbed


@pytest.mark.parametrize(
    ("threads", "send", "number"),
    [(1, os.kill, signal.SIGINT), (2, os.kill, signal.SIGTERM), (2, os.killpg, signal.SIGTERM)],
    ids=["one process", "job", "job, workers and fork server"],
)
def test_a_job_asked_to_end_keeps_its_last_epoch_and_continues_from_it(
    training_job, undisturbed, caplog, threads, send, number
):
    """Checkpoints are far apart: only the one made on the signal can be what the rerun continues from."""
    process = training_job.start(threads=threads, wait=WAIT, checkpoint_epochs=100)
    send(process.pid, number)
    training_job.go_on()
    _, errors = process.communicate()
    assert process.returncode == 1
    # a slow job tells its progress before
    assert re.search(
        rf"^StoppedError: stopped by {number.name} with [012] of 3 runs finished; the", errors, re.M
    )
    assert "Traceback" not in errors
    assert "seed-1" not in training_job.results()
    training_job.rerun()
    assert "baseline/A/seed-1: continues after epoch 2" in caplog.text
    assert training_job.results() == undisturbed


def test_a_killed_worker_costs_nothing_and_the_job_continues_with_fewer(training_job, undisturbed):
    process = training_job.start(threads=2, wait=WAIT)
    os.kill(training_job.at_work, signal.SIGKILL)
    # the run is tried again, continues after epoch 1 and waits where it waited before
    assert int(process.stdout.readline()) != training_job.at_work
    training_job.go_on()
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "baseline/A/seed-1: a worker process was killed, most likely by the system's" in training_job.log
    assert "Continuing with 1 at a time." in training_job.log
    assert "baseline/A/seed-1: continues after epoch 1" in training_job.log
    assert training_job.results() == undisturbed


def test_a_run_whose_process_is_killed_repeatedly_fails_by_name_and_the_rerun_continues(
    training_job, undisturbed, caplog
):
    process = training_job.start(threads=2, wait=WAIT)
    os.kill(training_job.at_work, signal.SIGKILL)
    os.kill(int(process.stdout.readline()), signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.startswith(
        "CohortError: 1 of 3 runs failed.\nbaseline/A/seed-1: a worker process was killed"
    )
    assert set(training_job.results()) == {"seed-0", "seed-2"}
    training_job.rerun()
    assert "baseline/A/seed-1: continues after epoch 1" in caplog.text
    assert training_job.results() == undisturbed


def test_a_second_job_on_the_same_runs_stops_and_says_who_trains_them(training_job, undisturbed):
    process = training_job.start(threads=2, wait=WAIT)
    with pytest.raises(
        LockedError, match=rf"baseline/A/seed-\d is being trained by process {process.pid} on "
    ):
        training_job.rerun()
    training_job.go_on()
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    training_job.rerun()  # all is finished: nothing to train, nothing to lock
    assert training_job.results() == undisturbed
