"""A stack of lanes: runs of one method that train as one model, epoch by epoch."""

import time
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.training.precision import tensor_float32
from stampshift.training.progress import DivergedError
from stampshift.training.sampler import Draws, DrawsAhead
from stampshift.training.stacked.lane import Lane
from stampshift.training.stacked.lane_weights import LaneState, LaneWeights
from stampshift.training.stacked.masks import DropoutMasks, steps_at_once
from stampshift.training.stacked.pools import Pools
from stampshift.training.stacked.replay import Repeated
from stampshift.training.stacked.step import StackedModel
from stampshift.training.stacked.step_tensors import StepTensors
from stampshift.training.stopping import stop_if_asked

SCORED_PIXELS = 4000 * 21 * 21  # at once, over all lanes
SCORED_BATCHES = 2  # of a step at most, so that a validation needs no more memory than a step


class Stack:
    """Places for lanes of one `kind`, and their weights.

    A lane that leaves makes room for another in its place: weights stay at their addresses, so that the step
    is neither compiled nor captured again. A place without a lane is computed too, at a learning rate of 0 on
    the stamps of a lane that is there. Once half of the places are free the stack is half as wide.
    """

    def __init__(self, lanes: Sequence[Lane], *, pools: Pools) -> None:
        self._pools, self._draws = pools, DrawsAhead()
        self.model = StackedModel(lanes[0])
        self._plain_model = self.model.plainly()
        self._lay_out(lanes, [lane.first_state() for lane in lanes])

    def _lay_out(self, lanes: Sequence[Lane | None], states: Sequence[LaneState]) -> None:
        """Make places for lanes, and what a step at this width reads and writes."""
        self.lanes, task = list(lanes), next(lane.task for lane in lanes if lane is not None)
        device, batch = task.device, task.training["batch_size"]
        self.weights = LaneWeights.of(states, device=device)
        self._tensors = StepTensors.of(task, lanes=len(states), batch=batch)
        at_once = steps_at_once(self.model.dropouts, task=task)
        self._masks = DropoutMasks(self.model.dropouts, device=device, steps_at_once=at_once)
        weights, tensors, masks = self.weights, self._tensors, self._masks
        self._step = Repeated(lambda: self.model.step(weights, tensors, masks), device=device)

    @property
    def places(self) -> list[int]:
        """Numbers of the places that have a lane."""
        return [number for number, lane in enumerate(self.lanes) if lane is not None]

    def lane(self, number: int) -> Lane:
        """The lane in a place that has one."""
        lane = self.lanes[number]
        if lane is None:
            raise LookupError(f"place {number} of the stack has no lane")
        return lane

    def change(self, *, leaving: Collection[int], joining: Sequence[Lane]) -> None:
        """Take lanes out, by their places, and put others into free ones; at least one must be left."""
        for number in leaving:
            self.lanes[number] = None
        free = deque(number for number, lane in enumerate(self.lanes) if lane is None)
        for lane in joining:
            number = free.popleft()
            self.weights.put(number, lane.first_state())
            self.lanes[number] = lane
        self._narrow()

    def _narrow(self) -> None:
        """Give up half of the places as often as the lanes fit into the others."""
        width = len(self.lanes)
        while len(self.places) <= width // 2:
            width //= 2
        if width < len(self.lanes):
            filled = self.places + [number for number, lane in enumerate(self.lanes) if lane is None]
            kept = filled[:width]
            states = [self.weights.lane(number) for number in kept]
            self._lay_out([self.lanes[number] for number in kept], states)

    def checkpoint(self, number: int) -> dict[str, Any]:
        """The checkpoint of the lane in a place, as a training alone would keep it."""
        return self.lane(number).checkpoint(self.weights.lane(number))

    def run_epoch(self) -> dict[int, DivergedError]:
        """Train every lane for an epoch, validate, and record both.

        Lanes whose loss became NaN or infinite are returned by place, each with its error; their epoch is
        not recorded. After any error, such as a `StoppedError` or a `torch.OutOfMemoryError`, the weights are
        those before the epoch.
        """
        before = self.weights.copied()
        try:
            start = time.perf_counter()
            losses, accuracies = self._descend()
            scores = self._validate()
        except BaseException:
            self.weights.write(before)
            raise
        seconds = (time.perf_counter() - start) / len(self.places)
        return self._record(losses, accuracies, scores, seconds=seconds)

    def _filled(self) -> list[Lane]:
        """A lane for every place, with a stand-in where there is none."""
        stand_in = self.lane(self.places[0])
        return [lane or stand_in for lane in self.lanes]

    def _descend(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """One iteration per batch; the lanes' mean losses and accuracies are read from the device once."""
        lanes, tensors = self._filled(), self._tensors
        tasks = [lane.task for lane in lanes]
        parts = self._draws.take([(lane.task, lane.epoch + 1) for lane in lanes])
        common = min(len(whole.labels) for whole, *_ in parts)  # in a pass lanes may have more than others
        rates = np.stack([lane.learning_rates(common) for lane in lanes], axis=1)
        rates[:, [lane is None for lane in self.lanes]] = 0
        tensors.set_options([task.options for task in tasks])
        tensors.losses.zero_()
        tensors.hits.zero_()
        self._masks.begin_epoch([lane.task.torch_seed(lane.epoch + 1) for lane in lanes])
        draws = [whole.batches(slice(common)) for whole, *_ in parts]
        with tensor_float32(tasks[0].precision):
            for _ in tensors.fill(draws, rates, pools=self._pools):
                stop_if_asked()
                self._masks.next_step()
                self._step()
            self.weights.count_batches(self._masks.passes * common)
            for number in self.places:
                whole, *rest = parts[number]
                self._finish(number, [whole.batches(slice(common, None)), *rest], done=common)
        steps = [sum(len(part.labels) for part in own) for own in parts]
        stamps = [sum(part.labels.size for part in own) for own in parts]
        sums = torch.stack([tensors.losses, tensors.hits])
        means = (sums / torch.tensor([steps, stamps]).to(sums)).cpu().numpy().astype(np.float64)
        return means[0], means[1]

    def _finish(self, number: int, parts: Sequence[Draws], *, done: int) -> None:
        """Train a lane on the batches of its pass that the others do not have, after those `done`.

        These are few: the last one, which is smaller, and whole ones if its train part is larger. They are
        computed in the plain form and not captured.
        """
        lane, weights = self.lane(number), self.weights.alone(number)
        for drawn in (part for part in parts if len(part.labels)):
            count, size = drawn.labels.shape
            tensors = StepTensors.of(lane.task, lanes=1, batch=size)
            tensors.set_options([lane.task.options])
            masks, rates = self._masks.of_lane(number), lane.learning_rates(done + count)[done:]
            for _ in tensors.fill([drawn], rates[:, np.newaxis], pools=self._pools):
                stop_if_asked()
                masks.next_step()
                self._plain_model.step(weights, tensors, masks)
            weights.count_batches(masks.passes * count)
            self._tensors.losses[number] += tensors.losses[0]
            self._tensors.hits[number] += tensors.hits[0]
            done += count

    def _validate(self) -> list[NDArray[np.float32]]:
        """Scores of each lane's own validation stamps."""
        sets = [lane.task.validation for lane in self._filled()]
        stamps = [each.stamps for each in sets]
        block = max(1, SCORED_PIXELS // (stamps[0].shape[-1] * stamps[0].shape[-2] * len(sets)))
        longest = max(len(each.rows) for each in sets)
        most = SCORED_BATCHES * self._filled()[0].task.training["batch_size"]
        block = min(block, most, longest)
        whole = -(-longest // block) * block
        # a set is filled up with its last stamp to blocks of one shape; the surplus scores are left out
        rows = np.stack([np.pad(each.rows, (0, whole - len(each.rows)), mode="edge") for each in sets])
        blocks = rows.reshape(len(sets), -1, block).swapaxes(0, 1)  # (blocks, lanes, block)
        scores = [self.model.scores(self.weights, batch) for batch in self._pools.batches(stamps, blocks)]
        together = torch.cat(scores, dim=1).cpu().numpy()  # (lanes, whole)
        return [own[: len(each.rows)] for own, each in zip(together, sets, strict=True)]

    def _record(
        self,
        losses: NDArray[np.float64],
        accuracies: NDArray[np.float64],
        scores: Sequence[NDArray[np.float32]],
        *,
        seconds: float,
    ) -> dict[int, DivergedError]:
        diverged, classifiers = {}, self.weights.classifiers()
        for number in self.places:
            lane, loss = self.lane(number), float(losses[number])
            try:
                lane.task.check_loss(loss, epoch=lane.epoch + 1)
            except DivergedError as error:
                diverged[number] = error
                continue
            row = lane.task.row(
                scores[number],
                epoch=lane.epoch + 1,
                train_loss=loss,
                train_accuracy=float(accuracies[number]),
                learning_rate=float(lane.learning_rates(1)[0]),
                seconds=seconds,
            )
            lane.progress.record(row, classifiers[number])
        return diverged
