import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from functools import partial, partialmethod
from multiprocessing.connection import Connection

import psutil
import pytest

from stampshift.core.parallel import ITEMS_PER_PROCESS, Recovery, WorkerError, ordered_map, recovering_map
from stampshift.core.workers import Worker


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
    """Its death is reported; with half of the result in a shared pipe the map would never end."""
    with pytest.raises(WorkerError, match="a worker process was killed"):
        list(ordered_map(_large, [1_000_000], processes=2))
    assert list(ordered_map(bytes, [1_000_000], processes=2)) == [bytes(1_000_000)]


@pytest.mark.parametrize("taken", [1, 9])
def test_results_leave_nothing_on_the_disk_and_no_process(monkeypatch, tmp_path, taken):
    list(ordered_map(str, range(2), processes=2))  # the fork server stays, with its socket
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    results = ordered_map(str, range(9), processes=2)
    assert [next(results) for _ in range(taken)] == [str(number) for number in range(taken)]
    assert list(tmp_path.iterdir()) == []
    assert 1 <= len(multiprocessing.active_children()) <= 2
    results.close()
    assert multiprocessing.active_children() == []


# what the workers below do at a number; the folder says whether they did it before
def _bad(numbers, *, at, do, once=None):
    if at in numbers and (once is None or not once.exists()):
        if once is not None:
            once.touch()
        do()
    return sum(numbers)


def _exhaust():
    raise MemoryError


def _wait():
    threading.Event().wait()


def _segfault():
    os.kill(os.getpid(), signal.SIGSEGV)


def _kill():
    os.kill(os.getpid(), signal.SIGKILL)


def _divide(numbers):
    middle = len(numbers) // 2
    return [numbers[:middle], numbers[middle:]] if middle else [numbers]


def _lost(numbers, reason, named):
    return Replaced([0], reason)


def _join(parts):
    reason = "".join(getattr(part, "reason", "") for part in parts)
    return Replaced([number for part in parts for number in part], reason)


class Replaced(list):
    """Numbers, and why one of them is not what it was."""

    def __init__(self, numbers, reason):
        super().__init__(numbers)
        self.reason = reason

    def __reduce__(self):
        return Replaced, (list(self), self.reason)


def _both(numbers, **bad):
    return list(numbers), getattr(numbers, "reason", ""), _bad(numbers, **bad)


def _limited_where_it_waits(worker, function, item, seconds, *, call):
    """A call that has all its time unless it waits for ever: a busy machine is late with any other."""
    waits = getattr(function, "func", None) is _both and function.keywords["at"] in item
    return call(worker, function, item, seconds if waits else None)


UNITS = [list(range(start, start + 8)) for start in range(1, 41, 8)]


def recovered(seconds=60.0, processes=2, **bad):
    recovery = Recovery(seconds, _divide, _lost, _join)
    found = list(recovering_map(partial(_both, **bad), UNITS, processes=processes, recovery=recovery))
    assert [len(results) for results in found] == [1] * 5
    return [results[0] for results in found]


@pytest.mark.parametrize(
    ("do", "reason", "seconds"),
    [
        (_kill, "its worker process was killed, most likely by the system's out-of-memory killer", 60.0),
        (_segfault, "its worker process ended (SIGSEGV)", 60.0),
        (_wait, "it took more than 0.2 seconds", 0.2),
        (_exhaust, "it took more memory than there is", 60.0),
    ],
)
def test_the_one_item_that_ends_its_worker_is_found_and_the_rest_computed_as_ever(
    do, reason, seconds, monkeypatch
):
    if do is _wait:
        monkeypatch.setattr(Worker, "call", partialmethod(_limited_where_it_waits, call=Worker.call))
    found = recovered(seconds, at=21, do=do)
    expected = [list(unit) for unit in UNITS]
    expected[2][4] = 0
    assert [numbers for numbers, _, _ in found] == expected
    assert [why for _, why, _ in found] == ["", "", reason, "", ""]
    assert [total for _, _, total in found] == [sum(unit) for unit in expected]


def test_a_worker_that_was_killed_by_chance_changes_nothing(tmp_path):
    found = recovered(at=21, do=_kill, once=tmp_path / "killed")
    assert [numbers for numbers, _, _ in found] == UNITS
    assert [why for _, why, _ in found] == [""] * 5


def _counted(numbers, *, counter, kills, do):
    """Numbers, unless a bad one is among them that ends the process as often as it still may."""
    if 21 in numbers and len(counter.read_text()) < kills:
        with counter.open("a") as file:
            file.write(".")
        do()
    return list(numbers)


@pytest.mark.parametrize(
    ("do", "kills", "good"),
    [(_kill, 5, True), (_kill, 6, False), (_segfault, 4, True), (_segfault, 5, False)],
)
def test_one_that_is_killed_may_be_good_and_has_another_try_alone(tmp_path, do, kills, good):
    """Within its unit of eight, a half of it, a quarter, and then alone."""
    counter = tmp_path / "counter"
    counter.touch()
    function = partial(_counted, counter=counter, kills=kills, do=do)
    recovery = Recovery(60.0, _divide, _lost, _join)
    found = list(recovering_map(function, UNITS, processes=2, recovery=recovery))
    assert [number for unit in found[2] for number in unit] == [17, 18, 19, 20, 21 * good, 22, 23, 24]


def _reads_names(numbers, reason, named):
    if named and reason == "it took more memory than there is":
        _segfault()
    return Replaced([-1 if named else 0], reason)


@pytest.mark.parametrize(("do", "number"), [(_segfault, -1), (_exhaust, 0)])
def test_names_are_read_in_a_worker_which_that_may_end_too(do, number):
    recovery = Recovery(60.0, _divide, _reads_names, _join)
    function = partial(_both, at=21, do=do)
    found = list(recovering_map(function, UNITS, processes=2, recovery=recovery))
    assert found[2][0][0] == [17, 18, 19, 20, number, 22, 23, 24]


def test_one_process_recovers_from_what_takes_all_memory():
    found = recovered(processes=1, at=21, do=_exhaust)
    assert [numbers for numbers, _, _ in found][2] == [17, 18, 19, 20, 0, 22, 23, 24]


def _more_than_four(numbers):
    if len(numbers) > 4:
        _kill()
    return list(numbers)


def test_an_item_that_is_too_much_as_a_whole_comes_in_parts():
    recovery = Recovery(60.0, _divide, _lost, _join)
    found = list(recovering_map(_more_than_four, UNITS, processes=2, recovery=recovery))
    assert found == [[unit[:4], unit[4:]] for unit in UNITS]


def _always(numbers):
    _kill()


def test_workers_that_are_killed_whatever_they_do_end_the_map():
    recovery = Recovery(60.0, _divide, _lost, _join)
    with pytest.raises(WorkerError, match="Use fewer processes"):
        list(recovering_map(_always, UNITS[:1], processes=2, recovery=recovery))


def test_workers_end_with_a_killed_parent():
    """The parent prints its worker's number and is killed; the worker, in a long wait, must go too."""
    code = (
        "import os, threading\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "from stampshift.core.workers import end_with_parent\n"
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


def test_a_worker_prints_warnings_as_sentences():
    code = (
        "import logging\n"
        "from stampshift.core.parallel import ordered_map\n"
        "list(ordered_map(logging.warning, ['of a \\x1b[31m worker'] * 2, processes=2))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "warning: of a \\x1b[31m worker\n" * 2
