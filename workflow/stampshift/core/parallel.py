"""Maps over worker processes that keep order, bound memory, and recover from what ends a worker."""

import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Generic, TypeVar, cast

from stampshift.core.errors import StampshiftError
from stampshift.core.workers import Lost, Worker, fork_server, start_worker

FEWEST_SECONDS = 30.0  # for a part of an item: a model is loaded in less
TRIES = 2  # of a part that cannot be divided, after a first one, if its worker is killed
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
    return ProcessPoolExecutor(processes, fork_server(function), start_worker, (initialise,))


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, processes: int
) -> Iterator[Result]:
    """Results in the order of `items`, which are drawn only as fast as they are processed.

    `Executor.map` would draw all items at once and keep all results; here at most `ITEMS_PER_PROCESS` items
    per process are in flight. With one process everything runs in this one. `function` and its results must
    be picklable. Worker processes import the calling script: it needs the ``__main__`` guard. A killed worker
    raises a `WorkerError`; what `function` raises passes through.
    """
    yield from chain.from_iterable(recovering_map(function, items, processes=processes, recovery=None))


@dataclass(frozen=True)
class Recovery(Generic[Item]):
    """What becomes of an item whose worker is killed, has no memory left, or takes too long.

    It is divided until what does it is found; that is replaced by what is `lost`, and the whole item is
    computed again, so that nothing else changes. One whose worker is killed may be good: the system's memory
    was full, or somebody killed it. It is bad if that happens `TRIES` times more, whatever else is at work.
    All three functions must be picklable.
    """

    seconds: float  # that an item may take; a part of it at least `FEWEST_SECONDS`, or this if it is less
    divide: Callable[[Item], Sequence[Item]]  # parts in order; one or none if it cannot be divided further
    # in place of one that cannot be divided, with the reason, and with its names or without reading it
    lost: Callable[[Item, str, bool], Item]
    join: Callable[[Sequence[Item]], Item]  # parts together again


def recovering_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    processes: int,
    recovery: Recovery[Item] | None,
) -> Iterator[list[Result]]:
    """As `ordered_map`, with a list of an item's results, of which there is one.

    With a `recovery` a killed worker stops nothing: there are several results, of an item's parts, where it
    cannot be computed as a whole. With one process only an item that takes all memory can be recovered from.
    """
    if processes == 1:
        here = _Caller(function, recovery, worker=None)
        yield from map(here.results, items)
        return
    waiting: deque[Future[list[Result]]] = deque()
    with recovering_pool(function, processes=processes, recovery=recovery) as submit:
        for item in items:
            waiting.append(submit(item))
            if len(waiting) >= ITEMS_PER_PROCESS * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def recovering_pool(
    function: Callable[[Item], Result], *, processes: int, recovery: Recovery[Item] | None
) -> Iterator[Callable[[Item], Future[list[Result]]]]:
    """Submits items to worker processes, of which there may be one, as long as the block lasts.

    What comes of an item is that of `recovering_map`.
    """
    context = fork_server(function)
    workers = [Worker(context) for _ in range(processes)]
    free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for worker in workers:
        free.put(worker)

    def results(item: Item) -> list[Result]:
        worker = free.get()
        try:
            return _Caller(function, recovery, worker).results(item)
        finally:
            free.put(worker)

    threads = ThreadPoolExecutor(processes)  # each waits for a worker process
    try:
        yield lambda item: threads.submit(results, item)
    except Lost as error:
        raise WorkerError(f"{processes} of them", "Use fewer processes.") from error
    finally:
        for worker in workers:
            worker.end()
        threads.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Caller(Generic[Item, Result]):
    """Calls a function of an item in a worker, or in this process without one, and recovers."""

    function: Callable[[Item], Result]
    recovery: Recovery[Item] | None
    worker: Worker | None

    def results(self, item: Item) -> list[Result]:
        seconds = self.recovery.seconds if self.recovery else None
        try:
            return [self._call(self.function, item, seconds)]
        except Lost as error:
            if self.recovery is None:
                raise
            parts = self._parts(item, seconds or 0, str(error))
        try:
            return [self._call(self.function, self.recovery.join([part for part, _ in parts]), seconds)]
        except Lost:  # its parts are good, each for itself
            return [result for _, result in parts]

    def _parts(self, item: Item, seconds: float, reason: str) -> list[tuple[Item, Result]]:
        """Parts of an item with their results, after a call that was lost; of bad ones, what is lost."""
        assert self.recovery is not None
        seconds = max(seconds / 2, min(self.recovery.seconds, FEWEST_SECONDS))
        try:
            parts = self._call_again(self.recovery.divide, item, seconds)
        except Lost:
            parts = []
        if len(parts) < 2:
            try:
                return [(item, self._call_again(self.function, item, seconds))]
            except Lost:
                bad = self._bad(item, reason, seconds)
                return [(bad, self._call_again(self.function, bad, None))]
        found = []
        for part in parts:
            try:
                found.append((part, self._call(self.function, part, seconds)))
            except Lost as error:
                found += self._parts(part, seconds, str(error))
        return found

    def _bad(self, item: Item, reason: str, seconds: float) -> Item:
        """In place of an item, with its names unless reading those ends the worker too."""
        assert self.recovery is not None
        lost = self.recovery.lost
        try:
            return cast("Item", self._call(partial(_named, lost=lost, reason=reason), item, seconds))
        except Lost:
            return lost(item, reason, False)

    def _call_again(self, function: Callable[[Item], Any], item: Item, seconds: float | None) -> Any:
        """Result of a call that is made again where its worker is killed."""
        for _ in range(TRIES - 1):
            try:
                return self._call(function, item, seconds)
            except Lost as error:
                if not error.killed:
                    raise
        return self._call(function, item, seconds)

    def _call(self, function: Callable[[Item], Any], item: Item, seconds: float | None) -> Any:
        if self.worker is not None:
            return self.worker.call(function, item, seconds)
        try:
            return function(item)
        except MemoryError as error:
            raise Lost("it took more memory than there is") from error


def _named(item: Item, *, lost: Callable[[Item, str, bool], Item], reason: str) -> Item:
    return lost(item, reason, True)
