import os
import subprocess
import sys

import psutil
import pytest

from stampshift.parallel import ITEMS_PER_PROCESS, WorkerError, ordered_map


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


def test_workers_end_with_a_killed_parent():
    """The parent prints its worker's number and is killed; the worker, in a long wait, must go too."""
    code = (
        "import os, threading\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from stampshift.parallel import end_with_parent\n"
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
