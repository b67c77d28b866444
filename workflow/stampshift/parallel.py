"""A map over worker processes that keeps order and bounds memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import TypeVar

from stampshift.errors import StampshiftError

ITEMS_PER_PROCESS = 2  # one at work, one waiting: producing the items never lets a worker idle

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerError(StampshiftError):
    """A worker process was killed."""


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
    """Results in the order of `items`, which are drawn only as fast as they are worked off.

    `Executor.map` would draw all items at once and hoard the results. With one process everything runs in
    this one. Worker processes import the calling script: it needs the ``__main__`` guard.

    Parameters
    ----------
    function
        Called with each item, in any process; it must be picklable.
    items
        Items; at most `ITEMS_PER_PROCESS` per process are in flight.
    processes
        Worker processes.

    Raises
    ------
    WorkerError
        If a worker process was killed; what `function` raises passes through.
    """
    if processes == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([getattr(function, "func", function).__module__])  # func: of a partial
    waiting: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(processes, context, end_with_parent) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= ITEMS_PER_PROCESS * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise WorkerError(
                f"a worker process was killed, most likely for want of memory with {processes} of them at "
                "work. Use fewer processes."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)
