"""Runs side by side, each in a process of its own; where memory does not suffice, fewer at a time."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from stampshift.core.parallel import WorkerError, worker_pool
from stampshift.training.device import is_out_of_memory
from stampshift.training.plan import Plan

log = logging.getLogger(__name__)

Outcome = tuple[Plan, BaseException | None]
Work = Callable[..., None]  # finishes a plan; `bar_position` is the terminal's line for its progress


@dataclass
class _Slot:
    """Room for one run: a pool of one process, so that a killed one is known to be this run's."""

    position: int
    work: Work
    initialise: Callable[[], object]

    def __post_init__(self) -> None:
        self._pool = worker_pool(1, function=self.work, initialise=self.initialise)

    def submit(self, plan: Plan) -> Future[None]:
        """Start a run."""
        try:
            return self._pool.submit(self.work, plan, bar_position=self.position)
        except BrokenProcessPool:  # killed while it had nothing to do
            self.renew()
            return self._pool.submit(self.work, plan, bar_position=self.position)

    def renew(self) -> None:
        """Take a new process, with memory of its own."""
        self.close()
        self.__post_init__()

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown(cancel_futures=True)


def one_by_one(work: Work, plans: Sequence[Plan]) -> Iterator[Outcome]:
    """Plans with the error that each ended with, or None, one after the other in this process."""
    for plan in plans:
        try:
            work(plan, bar_position=1)
        except Exception as error:  # one run's failure is reported by name after the others are done
            yield plan, error
        else:
            yield plan, None


def side_by_side(
    work: Work, plans: Sequence[Plan], *, processes: int, initialise: Callable[[], object]
) -> Iterator[Outcome]:
    """Plans with the error that each ended with, or None, as they end; `processes` of them at a time.

    A run that is short of memory, or whose process is killed, is tried again with half as many side by side,
    at last alone. Only then has it failed. What it had reached is in its checkpoint. Each process calls
    `initialise` first; it and `work` must be picklable.
    """
    slots = [_Slot(number, work, initialise) for number in range(1, processes + 1)]
    waiting, running, width = deque(plans), dict[Future[None], tuple[Plan, _Slot, int]](), processes
    try:
        while waiting or running:
            while waiting and slots:
                plan, slot = waiting.popleft(), slots.pop(0)
                running[slot.submit(plan)] = plan, slot, width
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                plan, slot, beside = running.pop(future)
                error = _explained(future.exception(), beside)
                short = isinstance(error, WorkerError) or is_out_of_memory(error)
                if short:
                    slot.renew()
                slots.append(slot)
                if short and beside > 1:
                    width = min(width, beside // 2)
                    log.warning("%s: %s Continuing with %d at a time.", plan.folder, error, width)
                    waiting.append(plan)
                else:
                    yield plan, error
                while slots and len(slots) + len(running) > width:
                    slots.pop().close()
    finally:
        for slot in [*slots, *(slot for _, slot, _ in running.values())]:
            slot.close()


def _explained(error: BaseException | None, beside: int) -> BaseException | None:
    if not isinstance(error, BrokenProcessPool):
        return error
    at_work = "only this one" if beside == 1 else f"up to {beside} of them"
    return WorkerError(at_work, "Give the job more memory; a rerun continues from the checkpoint.")
