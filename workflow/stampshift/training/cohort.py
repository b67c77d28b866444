"""Execute the runs of a cohort: as one stacked model on a GPU, side by side in processes on a CPU."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from stampshift.core.errors import StampshiftError
from stampshift.core.joblog import log_to
from stampshift.training.device import set_up_process
from stampshift.training.execute import execute
from stampshift.training.plan import Plan
from stampshift.training.side_by_side import Outcome, Work, one_by_one, side_by_side
from stampshift.training.stacked.train import MOST_LANES, train_stacked
from stampshift.training.stopping import StoppedError, StopRequest, stoppable
from stampshift.training.store import Store

log = logging.getLogger(__name__)


class CohortError(StampshiftError):
    """Some runs of a cohort failed; the others are finished and kept."""


def train_cohort(
    plans: Sequence[Plan],
    *,
    store: Store,
    device: torch.device,
    threads: int,
    checkpoint_epochs: int,
    log_file: Path | None,
) -> None:
    """Finish every run of a cohort; a run's result does not depend on the others.

    On a CPU `threads` runs train at the same time, each on one thread of a process of its own that logs to
    `log_file` as well. A checkpoint of each is saved every `checkpoint_epochs` epochs.

    Raises
    ------
    CohortError
        If any run failed; it names each with its reason. All others were finished first.
    LockedError, StoppedError
        If another process trains one of the runs, or this one was asked to end by SIGTERM or SIGINT; a second
        call goes on where this one was.
    """
    set_up_process()
    work: Work = partial(execute, store=store, device=device, checkpoint_epochs=checkpoint_epochs)
    names = {plan.key(device): plan.folder for plan in plans}
    unfinished = {key: name for key, name in names.items() if not store.has(key)}
    with store.locked(unfinished), stoppable() as request:
        workers = min(threads, len(plans))
        if device.type == "cuda":
            outcomes = train_stacked(
                plans,
                alone=work,
                store=store,
                device=device,
                lanes=MOST_LANES,
                checkpoint_epochs=checkpoint_epochs,
            )
        elif workers == 1:
            outcomes = one_by_one(work, plans)
        else:
            outcomes = side_by_side(
                work, plans, processes=workers, initialise=partial(_start_worker, request, log_file)
            )
        failures, stopped = _sorted_out(outcomes, plans)
    if stopped:
        finished = len(plans) - stopped - len(failures)
        raise StoppedError(
            f"stopped by {request.signal_name} with {finished} of {len(plans)} runs finished; the others are "
            "saved after their last complete epoch. Run the same command again to continue."
            + "".join(f"\nFailed before: {failure}" for failure in failures)
        )
    if failures:
        raise CohortError(f"{len(failures)} of {len(plans)} runs failed.\n" + "\n".join(failures))


def _sorted_out(outcomes: Iterator[Outcome], plans: Sequence[Plan]) -> tuple[list[str], int]:
    """Runs that failed, with their reasons, and the number of those that were stopped."""
    failures, stopped, run = [], 0, plans[0].run
    title = f"{run.method} {run.source}" + (f" to {run.target}" if run.target else "")
    for plan, error in tqdm(outcomes, total=len(plans), desc=title, unit="run", disable=None):
        if isinstance(error, StoppedError):
            stopped += 1
        elif error is not None:
            reason = error if isinstance(error, StampshiftError) else f"{type(error).__name__}: {error}"
            log.error("%s failed: %s", plan.folder, reason, exc_info=error)
            failures.append(f"{plan.folder}: {reason}")
    return failures, stopped


def _start_worker(request: StopRequest, log_file: Path | None) -> None:
    request.listen()
    set_up_process()
    if log_file is not None:
        log_to(log_file)
