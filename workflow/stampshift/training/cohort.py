"""Execute the runs of a cohort: one after the other on a GPU, side by side in processes on a CPU."""

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from stampshift.errors import StampshiftError
from stampshift.joblog import log_to
from stampshift.parallel import end_with_parent
from stampshift.training.device import set_up_process
from stampshift.training.execute import execute
from stampshift.training.plan import Plan
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

    Parameters
    ----------
    plans
        The runs.
    store
        Where finished runs and checkpoints are kept.
    device
        Where to train.
    threads
        Runs trained at the same time on a CPU, each in a process of its own and on one thread.
    checkpoint_epochs
        Epochs between two checkpoints.
    log_file
        File that the worker processes log to as well.

    Raises
    ------
    CohortError
        If any run failed; it names each with its reason. All others were finished first.
    """
    set_up_process()
    workers = 1 if device.type == "cuda" else min(threads, len(plans))
    log.info("%d runs, %d at a time", len(plans), workers)
    arguments: dict[str, Any] = {"store": store, "device": device, "checkpoint_epochs": checkpoint_epochs}
    outcomes = (
        _one_by_one(plans, arguments) if workers == 1 else _side_by_side(plans, arguments, workers, log_file)
    )
    failures = []
    with tqdm(outcomes, total=len(plans), desc=_title(plans), unit="run", disable=None) as bar:
        for plan, error in bar:
            if error is not None:
                reason = error if isinstance(error, StampshiftError) else f"{type(error).__name__}: {error}"
                log.error("%s failed: %s", plan.folder, reason, exc_info=error)
                failures.append(f"{plan.folder}: {reason}")
    if failures:
        raise CohortError(f"{len(failures)} of {len(plans)} runs failed.\n" + "\n".join(failures))


def _title(plans: Sequence[Plan]) -> str:
    run = plans[0].run
    return f"{run.method} {run.source}" + (f" to {run.target}" if run.target else "")


def _one_by_one(
    plans: Sequence[Plan], arguments: dict[str, Any]
) -> Iterator[tuple[Plan, BaseException | None]]:
    for plan in plans:
        try:
            execute(plan, bar_position=1, **arguments)
        except Exception as error:  # one run's failure is reported by name after the others are done
            yield plan, error
        else:
            yield plan, None


def _side_by_side(
    plans: Sequence[Plan], arguments: dict[str, Any], workers: int, log_file: Path | None
) -> Iterator[tuple[Plan, BaseException | None]]:
    # a fork server imports torch once; plain fork would copy torch's thread pools in an undefined state
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(workers, context, _start_worker, (log_file,)) as pool:
        futures = {
            pool.submit(execute, plan, bar_position=1 + index % workers, **arguments): plan
            for index, plan in enumerate(plans)
        }
        for future in as_completed(futures):
            yield futures[future], future.exception()


def _start_worker(log_file: Path | None) -> None:
    end_with_parent()
    set_up_process()
    if log_file is not None:
        log_to(log_file)
