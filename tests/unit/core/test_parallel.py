import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection

import psutil
import pytest

from stampshift.core.parallel import ITEMS_PER_PROCESS, WorkerError, ordered_map


@pytest.mark.parametrize("processes", [1, 2])
def test_results_keep_the_order_and_items_in_flight_are_bounded(processes):
    drawn, done = [], []

    def items():
        for number in range(20):
            drawn.append(number)
            assert len(drawn) - len(done) <= ITEMS_PER_PROCESS * processes
            yield number

    for result in ordered_map(str, items(), processes=processes):
        done.append(result)
    assert done == [str(number) for number in range(20)]


def test_what_the_function_raises_passes_through():
    with pytest.raises(ValueError, match="invalid literal for int"):
        list(ordered_map(int, ["1", "two", "3"], processes=2))


def test_a_killed_worker_is_explained():
    with pytest.raises(
        WorkerError,
        match=r"a worker process was killed, .*out-of-memory killer.* with 2 of them .* Use fewer",
    ):
        list(ordered_map(os._exit, [9, 9, 9], processes=2))


def _send_and_die(connection, message):
    """What is left of sending by a process that is killed then: the first write to the pipe."""
    if os.write(connection.fileno(), message[: os.pathconf("/", "PC_PIPE_BUF")]) < len(message):
        os.kill(os.getpid(), signal.SIGKILL)


def _large(size):
    Connection._send = _send_and_die
    return b"x" * size


def test_a_worker_killed_while_it_sends_a_large_result_does_not_leave_the_rest_waiting():
    """Its result came whole or its death is reported; with half of it in the pipe the map would never end."""
    assert list(ordered_map(_large, [1_000_000], processes=2)) == [b"x" * 1_000_000]


@pytest.mark.parametrize("taken", [1, 9])
def test_results_leave_nothing_on_the_disk(monkeypatch, tmp_path, taken):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    results = ordered_map(str, range(9), processes=2)
    assert [next(results) for _ in range(taken)] == [str(number) for number in range(taken)]
    assert len(list(tmp_path.iterdir())) == 1
    results.close()
    assert list(tmp_path.iterdir()) == []


def test_workers_end_with_a_killed_parent():
    """The parent prints its worker's number and is killed; the worker, in a long wait, must go too."""
    code = (
        "import os, threading\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from stampshift.core.parallel import end_with_parent\n"
        "pool = ProcessPoolExecutor(1, get_context('forkserver'), end_with_parent)\n"
        "print(pool.submit(os.getpid).result(), flush=True)\n"
        "pool.submit(threading.Event().wait, 600)\n"
        "threading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running()
