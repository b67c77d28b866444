"""Train a cohort as stacked models: lanes that end make room for runs that wait."""

import gc
import logging
from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from tqdm import tqdm

from stampshift.training.device import is_out_of_memory
from stampshift.training.execute import keep, prepare
from stampshift.training.plan import Plan
from stampshift.training.progress import Task
from stampshift.training.side_by_side import Outcome, Work, one_by_one
from stampshift.training.stacked.lane import Lane, kind, why_alone
from stampshift.training.stacked.pools import Pools, free_bytes
from stampshift.training.stacked.stack import Stack
from stampshift.training.stopping import StoppedError, stop_if_asked
from stampshift.training.store import Store

log = logging.getLogger(__name__)

MOST_LANES = 40  # the largest cohort of the study: a search of 8 weights on 5 numbers of shots


class StackedRun(NamedTuple):
    """A plan that has a place in a stack, ready to start."""

    plan: Plan
    key: str
    task: Task


def train_stacked(
    plans: Sequence[Plan],
    *,
    alone: Work,
    store: Store,
    device: torch.device,
    lanes: int,
    checkpoint_epochs: int,
) -> Iterator[Outcome]:
    """Plans with the error that each ended with, or None, as they end.

    A stack has `lanes` runs at most. Where memory does not suffice it is halved, at last to a run alone. A
    checkpoint of each run is saved every `checkpoint_epochs` epochs. `alone` finishes a plan that has no
    place in a stack.
    """
    kinds, others = defaultdict[Hashable, list[StackedRun]](list), []
    for plan in plans:
        try:
            stop_if_asked()
            key = plan.key(device)
            if store.has(key):
                others.append(plan)
                continue
            task = prepare(plan, device=device)
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
        yield from _train_kind(
            runs, store=store, device=device, lanes=lanes, checkpoint_epochs=checkpoint_epochs
        )
    yield from one_by_one(alone, others)


def _train_kind(
    runs: Sequence[StackedRun], *, store: Store, device: torch.device, lanes: int, checkpoint_epochs: int
) -> Iterator[Outcome]:
    waiting, width = deque(runs), min(lanes, len(runs))
    log.info("%d runs as one stacked model of %d lanes", len(runs), width)
    try:
        pools = _pools([run.task for run in runs], device)
    except Exception as error:
        yield from ((run.plan, error) for run in runs)
        return
    while waiting:
        shift = _Shift(waiting, width, pools, store, device, checkpoint_epochs)
        problem: Exception | None = None
        try:
            yield from shift.outcomes()
        except Exception as error:
            problem = error.with_traceback(None)  # it would hold the memory that there is too little of
        if problem is None:
            continue
        unfinished, lost = shift.save_checkpoints()
        yield from lost
        short = is_out_of_memory(problem)
        if short and len(unfinished) > 1:
            width = len(unfinished) // 2
            log.warning("%s Continuing with %d lanes.", problem, width)
            waiting.extendleft(reversed(unfinished))
        else:
            yield from ((run.plan, problem) for run in unfinished)
        if isinstance(problem, StoppedError):
            yield from ((run.plan, problem) for run in waiting)
            return
        del shift
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()


def _pools(tasks: Sequence[Task], device: torch.device) -> Pools:
    try:
        return Pools(tasks, device=device, free=free_bytes)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        log.warning("%s The stamps are streamed to the GPU.", error)
    return Pools(tasks, device=device, free=lambda _: 0)


@dataclass
class _Shift:
    """One stack from its first lanes to its last, or to an error."""

    waiting: deque[StackedRun]
    width: int
    pools: Pools
    store: Store
    device: torch.device
    checkpoint_epochs: int
    runs: list[StackedRun] = field(default_factory=list)  # as the stack's lanes
    coming: list[StackedRun] = field(default_factory=list)  # on their way into it
    stack: Stack | None = None

    def outcomes(self) -> Iterator[Outcome]:
        """Train until no run is left or waits."""
        with tqdm(desc="stacked", unit="epoch", position=1, leave=False, disable=None) as bar:
            yield from self._fill()
            while self.stack is not None:
                diverged = self.stack.run_epoch()
                bar.update()
                bar.set_postfix(lanes=len(self.runs), waiting=len(self.waiting))
                ended = [self._settle(number, diverged.get(number)) for number in range(len(self.runs))]
                gone = {number for number, outcome in enumerate(ended) if outcome is not None}
                self._drop(gone)
                yield from (outcome for outcome in ended if outcome is not None)
                yield from self._fill()

    def save_checkpoints(self) -> tuple[list[StackedRun], list[Outcome]]:
        """Save every lane as of its last whole epoch; the runs saved, and those for which that failed."""
        kept: list[StackedRun] = []
        lost: list[Outcome] = []
        for number, run in enumerate(self.runs):
            try:
                if self.stack is not None and self.stack.lanes[number].epoch:
                    self.store.save_checkpoint(run.key, self.stack.checkpoint(number))
                kept.append(run)
            except Exception as error:
                lost.append((run.plan, error))
        return kept + self.coming, lost

    def _settle(self, number: int, error: Exception | None) -> Outcome | None:
        """Record a lane that has finished, or keep a checkpoint; its outcome if it ends here."""
        stack, run = self.stack, self.runs[number]
        if error is not None or stack is None:
            return run.plan, error
        lane = stack.lanes[number]
        try:
            if lane.finished:
                keep(run.plan, run.task, lane.progress, store=self.store)
                return run.plan, None
            if lane.epoch % self.checkpoint_epochs == 0:
                self.store.save_checkpoint(run.key, stack.checkpoint(number))
        except Exception as failure:
            return run.plan, failure
        return None

    def _drop(self, gone: set[int]) -> None:
        if self.stack is None or not gone:
            return
        self.runs = [run for number, run in enumerate(self.runs) if number not in gone]
        if self.runs:
            self.stack.change(leaving=gone, joining=[])
        else:
            self.stack = None

    def _fill(self) -> Iterator[Outcome]:
        """Put waiting runs into free lanes."""
        joining: list[tuple[StackedRun, Lane]] = []
        while self.waiting and len(self.runs) + len(joining) < self.width:
            run = self.waiting.popleft()
            try:
                lane = Lane.start(run.task, self.store.load_checkpoint(run.key))
                if lane.finished:
                    keep(run.plan, run.task, lane.progress, store=self.store)
                    yield run.plan, None
                else:
                    joining.append((run, lane))
            except Exception as error:
                yield run.plan, error
        if joining:
            self.coming, lanes = [run for run, _ in joining], [lane for _, lane in joining]
            if self.stack is not None:
                self.stack.change(leaving=[], joining=lanes)
            else:
                self.stack = Stack(
                    lanes, pools=self.pools, device=self.device, precision="float32", compiled=False
                )
            self.runs, self.coming = self.runs + self.coming, []
