"""Worker processes, and a map over them that keeps order and bounds memory."""

import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import connection, forkserver, resource_tracker
from pathlib import Path
from typing import Any, TypeVar

from stampshift.core.errors import StampshiftError

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
ITEMS_PER_PROCESS = 2  # one at work, one waiting: producing the items never lets a worker idle

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerError(StampshiftError):
    """A worker process was killed."""

    def __init__(self, at_work: str, remedy: str) -> None:
        super().__init__(
            "a worker process was killed, most likely by the system's out-of-memory killer (`dmesg` shows "
            f"it), with {at_work} running. {remedy}"
        )


def worker_pool(
    processes: int, *, function: Callable[..., object], initialise: Callable[[], object] | None
) -> ProcessPoolExecutor:
    """Worker processes that end with this one; each calls `initialise`, which must be picklable, first.

    A fork server imports the heavy modules, that of `function`, once for all of them; plain fork would copy
    torch's thread pools in an undefined state.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([getattr(function, "func", function).__module__])  # func: of a partial
    _start_fork_server()
    return ProcessPoolExecutor(processes, context, _start_worker, (initialise,))


def _start_fork_server() -> None:
    """Start the fork server, unless it runs, with the signals that a batch system sends to all blocked.

    If it ended, this process would consider its workers dead. They start blocked too, until `_start_worker`.
    """
    resource_tracker.ensure_running()  # it is started by the fork server otherwise, and ends the blocking
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_worker(initialise: Callable[[], object] | None) -> None:
    end_with_parent()
    if initialise is not None:
        initialise()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)  # one that came before is delivered now


def end_with_parent() -> None:
    """Make this worker process end at Ctrl-C, and as soon as its parent is gone, whatever it is doing.

    A worker that outlived a killed job would train on beside the job's rerun.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, processes: int
) -> Iterator[Result]:
    """Results in the order of `items`, which are drawn only as fast as they are processed.

    `Executor.map` would draw all items at once and keep all results; here at most `ITEMS_PER_PROCESS` items
    per process are in flight. With one process everything runs in this one. `function` and its results must
    be picklable. Worker processes import the calling script: it needs the ``__main__`` guard.

    Results come by files: a pool waits forever for the rest of a message whose sender was killed. What
    is left to send is a file's name, less than the 4096 bytes that a pipe takes whole or not at all
    (pipe(7)). A killed worker raises a `WorkerError`; what `function` raises passes through.
    """
    if processes == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[str]] = deque()
    with (
        tempfile.TemporaryDirectory(prefix="stampshift-") as folder,
        worker_pool(processes, function=function, initialise=None) as pool,
    ):
        work = partial(_write_result, function, folder)
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= ITEMS_PER_PROCESS * processes:
                    yield _read_result(waiting.popleft().result())
            while waiting:
                yield _read_result(waiting.popleft().result())
        except BrokenProcessPool as error:
            raise WorkerError(f"{processes} of them", "Use fewer processes.") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _write_result(function: Callable[[Item], object], folder: str, item: Item) -> str:
    result = function(item)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        pickle.dump(result, file, protocol=pickle.HIGHEST_PROTOCOL)
    return file.name


def _read_result(path: str) -> Any:
    with Path(path).open("rb") as file:
        result = pickle.load(file)
    Path(path).unlink()
    return result
