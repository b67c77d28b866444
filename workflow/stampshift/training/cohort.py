"""Execute the runs of a cohort: as one stacked model on a GPU, side by side in processes on a CPU."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stampshift.core.bars import job_bar
from stampshift.core.errors import StampshiftError
from stampshift.core.joblog import log_to
from stampshift.core.parallel import WorkerError, worker_pool
from stampshift.stamps.file import verify_stamps
from stampshift.training.device import is_out_of_memory, set_up_process
from stampshift.training.execute import Job, Plan, execute
from stampshift.training.precision import check_precision
from stampshift.training.run_folder import copy_run
from stampshift.training.stacked.train import MOST_LANES, Outcome, train_stacked
from stampshift.training.stopping import StoppedError, StopRequest, stoppable

log = logging.getLogger(__name__)

Work = Callable[..., None]  # finishes a plan; `bar_position` is the terminal's line for its progress


class CohortError(StampshiftError):
    """Some runs of a cohort failed; the others are finished and kept."""


def train_and_publish(plans: Sequence[Plan], job: Job, *, ahead: Sequence[Plan] = ()) -> None:
    """Finish every plan and copy its files to its folder among the results; otherwise as `train_cohort`."""
    train_cohort(plans, job, ahead=ahead)
    for plan in plans:
        copy_run(job.record(plan), job.results / plan.folder)


def train_cohort(plans: Sequence[Plan], job: Job, *, ahead: Sequence[Plan] = ()) -> None:
    """Finish every run of a cohort; a run's result does not depend on the others.

    The runs `ahead` are those of other jobs. They train beside these, and their own jobs find them in the
    store. One that fails is logged only; its own job tries it again.

    The stamps files are compared with their digests before anything trains; a precision that the device does
    not have is a `ConfigError`. On a CPU the job's threads train a run each, in its own process, which logs
    to the job's file as well.

    If runs failed, a `CohortError` names each with its reason, after all others were finished. If another
    process trains one of the runs, a `LockedError` is raised; if this one was asked to end by SIGTERM or
    SIGINT, a `StoppedError`. A second call goes on where this one was.
    """
    set_up_process()
    for precision in {plan.precision for plan in plans}:
        check_precision(precision, job.device)
    work, together = partial(execute, job=job), [*plans, *ahead]
    names = {plan.key(job.device): plan.folder for plan in together}
    unfinished = {key: name for key, name in names.items() if not job.store.has(key)}
    todo = [plan for plan in together if plan.key(job.device) in unfinished]
    with job.store.locked(unfinished), stoppable() as request:
        for path in sorted({files.stamps for plan in todo for files in plan.files.values()}):
            verify_stamps(path)
        processes = min(job.threads, len(together))
        if job.device.type == "cuda":
            outcomes = train_stacked(together, job, alone=partial(one_by_one, work), lanes=MOST_LANES)
        elif processes == 1:
            outcomes = one_by_one(work, together)
        else:
            start = partial(_start_worker, request, job.log_file)
            outcomes = side_by_side(work, together, processes=processes, initialise=start)
        failed, stopped = _sorted_out(outcomes, together)
        failures = [failure for plan, failure in failed if plan in plans]
    if stopped:
        total = len(together)
        finished = total - stopped - len(failed)
        raise StoppedError(
            f"stopped by {request.signal_name} with {finished} of {total} runs finished; the others are "
            "saved after their last complete epoch. Run the same command again to continue."
            + "".join(f"\nFailed before: {failure}" for failure in failures)
        )
    if failures:
        raise CohortError(f"{len(failures)} of {len(plans)} runs failed.\n" + "\n".join(failures))


def _sorted_out(outcomes: Iterator[Outcome], plans: Sequence[Plan]) -> tuple[list[tuple[Plan, str]], int]:
    """Runs that failed, with a line about each, and the number of those that were stopped."""
    failures, stopped, run = [], 0, plans[0].run
    title = f"{run.method} {run.source}" + (f" to {run.target}" if run.target else "")
    for plan, error in job_bar(outcomes, total=len(plans), desc=title, unit="run"):
        if isinstance(error, StoppedError):
            stopped += 1
        elif error is not None:
            reason = error if isinstance(error, StampshiftError) else f"{type(error).__name__}: {error}"
            log.error("%s failed: %s", plan.folder, reason, exc_info=error)
            failures.append((plan, f"{plan.folder}: {reason}"))
    return failures, stopped


def _start_worker(request: StopRequest, log_file: Path | None) -> None:
    request.listen()
    set_up_process()
    if log_file is not None:
        log_to(log_file)


def one_by_one(work: Work, plans: Sequence[Plan]) -> Iterator[Outcome]:
    """Plans with the error that each ended with, or None, one after the other in this process."""
    for plan in plans:
        try:
            work(plan, bar_position=1)
        except Exception as error:  # one run's failure is reported by name after the others are done
            yield plan, error
        else:
            yield plan, None


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
        """Start a new process, with its own memory."""
        self.close()
        self.__post_init__()

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown(cancel_futures=True)


def side_by_side(
    work: Work, plans: Sequence[Plan], *, processes: int, initialise: Callable[[], object]
) -> Iterator[Outcome]:
    """Plans with the error that each ended with, or None, as they end; `processes` of them at a time.

    A run that is short of memory, or whose process is killed, is tried again with half as many side by side,
    finally alone. Only then has it failed. Its progress is in its checkpoint. Each process calls
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
