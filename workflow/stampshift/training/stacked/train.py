"""Train a cohort as stacked models: lanes that end make room for runs that wait."""

import gc
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from stampshift.core.bars import job_bar
from stampshift.training.device import is_out_of_memory
from stampshift.training.execute import Job, Plan, keep, prepare
from stampshift.training.progress import Task
from stampshift.training.stacked.lane import Lane, kind, why_alone
from stampshift.training.stacked.pools import Pools, free_bytes
from stampshift.training.stacked.stack import Stack
from stampshift.training.stopping import StoppedError, stop_if_asked

log = logging.getLogger(__name__)

MOST_LANES = 40  # a lambda search of the study: 8 weights on 5 numbers of shots
Outcome = tuple[Plan, BaseException | None]


class StackedRun(NamedTuple):
    """A plan that has a place in a stack, ready to start."""

    plan: Plan
    key: str
    task: Task


def train_stacked(
    plans: Sequence[Plan], job: Job, *, alone: Callable[[Sequence[Plan]], Iterator[Outcome]], lanes: int
) -> Iterator[Outcome]:
    """Plans with the error that each ended with, or None, as they end.

    A stack has `lanes` runs at most. Where memory does not suffice it is halved, finally to a single run.
    `alone` finishes the plans that have no place in a stack, not even for themselves: torch's own layers need
    less memory.
    """
    kinds, others = defaultdict[Hashable, list[StackedRun]](list), []
    for plan in plans:
        try:
            stop_if_asked()
            key = plan.key(job.device)
            if job.store.has(key):
                others.append(plan)
                continue
            task = prepare(plan, device=job.device)
            reason = why_alone(task)
        except Exception as error:  # one run's failure is reported by name after the others are done
            yield plan, error
            continue
        if reason is None:
            kinds[kind(task)].append(StackedRun(plan, key, task))
        else:
            log.info("%s trains alone: %s", plan.folder, reason)
            others.append(plan)
    for runs in kinds.values():
        others += yield from _train_kind(runs, job, lanes=lanes)
    yield from alone(others)


def _train_kind(runs: Sequence[StackedRun], job: Job, *, lanes: int) -> Generator[Outcome, None, list[Plan]]:
    """Outcomes of the runs; returns plans of those for which memory does not suffice in a stack of one."""
    waiting, width, left = deque(runs), min(lanes, len(runs)), list[Plan]()
    log.info("%d runs as one stacked model of %d lanes", len(runs), width)
    try:
        pools = Pools([run.task for run in runs], free=free_bytes)
    except Exception as error:
        yield from ((run.plan, error) for run in runs)
        return left
    while waiting:
        shift = _Shift(waiting, width, pools, job)
        try:
            yield from shift.outcomes()
            continue
        except Exception as error:
            problem = error.with_traceback(None)  # it would hold the memory that there is too little of
        unfinished, lost = shift.save_checkpoints()
        yield from lost
        if is_out_of_memory(problem) and len(unfinished) > 1:
            width = len(unfinished) // 2
            log.warning("%s Continuing with %d lanes.", problem, width)
            waiting.extendleft(reversed(unfinished))
        elif is_out_of_memory(problem):
            for run in unfinished:  # one at most
                left.append(run.plan)
                log.warning(
                    "%s Not enough for a stack of one lane: %s trains alone.", problem, run.plan.folder
                )
        else:
            yield from ((run.plan, problem) for run in unfinished)
        if isinstance(problem, StoppedError):
            yield from ((run.plan, problem) for run in waiting)
            return left
        del shift
        gc.collect()
        if job.device.type == "cuda":
            torch.cuda.empty_cache()
    return left


@dataclass
class _Shift:
    """One stack from its first lanes to its last, or to an error."""

    waiting: deque[StackedRun]
    width: int
    pools: Pools
    job: Job
    # the runs of the stack's lanes, and of those on their way into it, by their tasks' ids
    runs: dict[int, StackedRun] = field(default_factory=dict)
    stack: Stack | None = None

    def outcomes(self) -> Iterator[Outcome]:
        """Train until no run is left or waits."""
        with job_bar(desc="stacked", unit="epoch", position=1, leave=False) as bar:
            yield from self._refill(set())
            while self.stack is not None:
                diverged = self.stack.run_epoch()
                bar.total = None if self.waiting else bar.n + 1 + _epochs_left(self.stack)
                bar.update()
                bar.set_postfix(lanes=len(self.runs), waiting=len(self.waiting))
                ended = {number: self._settle(self.stack, number, diverged) for number in self.stack.places}
                gone = {number for number, outcome in ended.items() if outcome is not None}
                for number in gone:
                    del self.runs[id(self.stack.lane(number).task)]
                yield from filter(None, ended.values())
                yield from self._refill(gone)

    def save_checkpoints(self) -> tuple[list[StackedRun], list[Outcome]]:
        """Save every lane as of its last whole epoch; the runs saved, and those for which that failed."""
        kept: list[StackedRun] = []
        lost: list[Outcome] = []
        stack, places = self.stack, {}
        if stack is not None:
            places = {id(stack.lane(number).task): number for number in stack.places}
        for key, run in self.runs.items():
            try:
                if stack is not None and key in places and stack.lane(places[key]).epoch:
                    self.job.store.save_checkpoint(run.key, stack.checkpoint(places[key]))
                kept.append(run)
            except Exception as error:
                lost.append((run.plan, error))
        return kept, lost

    def _settle(self, stack: Stack, number: int, diverged: Mapping[int, Exception]) -> Outcome | None:
        """Record a lane that has finished, or keep a checkpoint; its outcome if it ends here."""
        lane = stack.lane(number)
        run = self.runs[id(lane.task)]
        if number in diverged:
            return run.plan, diverged[number]
        try:
            if lane.finished:
                keep(run.plan, run.task, lane.progress, store=self.job.store)
                return run.plan, None
            if lane.epoch % self.job.checkpoint_epochs == 0:
                self.job.store.save_checkpoint(run.key, stack.checkpoint(number))
        except Exception as failure:
            return run.plan, failure
        return None

    def _refill(self, gone: set[int]) -> Iterator[Outcome]:
        """Put waiting runs into free places, and into those of lanes that are gone."""
        joining: list[Lane] = []
        while self.waiting and len(self.runs) < self.width:
            run = self.waiting.popleft()
            try:
                lane = Lane.start(run.task, self.job.store.load_checkpoint(run.key))
                if lane.finished:
                    keep(run.plan, run.task, lane.progress, store=self.job.store)
                    yield run.plan, None
                else:
                    self.runs[id(run.task)] = run
                    joining.append(lane)
            except Exception as error:
                yield run.plan, error
        if not self.runs:
            self.stack = None
        elif self.stack is None:
            self.stack = Stack(joining, pools=self.pools)
        elif gone or joining:
            self.stack.change(leaving=gone, joining=joining)


def _epochs_left(stack: Stack) -> int:
    """Epochs until the last lane ends, unless a later one is better."""
    lanes = map(stack.lane, stack.places)
    return max(lane.progress.end(lane.task.training) - lane.epoch for lane in lanes)
