"""A stack of lanes: runs of one method that train as one model, epoch by epoch."""

import time
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stampshift.methods.method import Batch
from stampshift.training.progress import DivergedError
from stampshift.training.sampler import Draws, DrawsAhead
from stampshift.training.stacked.extractor import DropoutMasks
from stampshift.training.stacked.lane import Lane, LaneWeights, is_number
from stampshift.training.stacked.pools import Pools
from stampshift.training.stacked.step import StackedModel
from stampshift.training.stopping import stop_if_asked

STEPS_AT_ONCE = 50  # that masks are drawn for on a GPU
SCORED_PIXELS = 4000 * 21 * 21  # at once, over all lanes


class Stack:
    """Lanes of one `kind`, at least one, and their weights."""

    def __init__(self, lanes: Sequence[Lane], *, pools: Pools) -> None:
        self.lanes = list(lanes)
        self._device = lanes[0].task.device
        self.weights = LaneWeights.of([lane.first_state() for lane in lanes], device=self._device)
        self._pools, self._draws = pools, DrawsAhead()
        self.model = StackedModel(lanes[0])

    def change(self, *, leaving: Collection[int], joining: Sequence[Lane]) -> None:
        """Take lanes out, by their numbers, and put others in; at least one must be left."""
        staying = [number for number in range(len(self.lanes)) if number not in leaving]
        states = [self.weights.lane(number) for number in staying]
        states += [lane.first_state() for lane in joining]
        self.weights = LaneWeights.of(states, device=self._device)
        self.lanes = [self.lanes[number] for number in staying] + list(joining)

    def checkpoint(self, number: int) -> dict[str, Any]:
        """A lane's checkpoint, as a training alone would keep it."""
        return self.lanes[number].checkpoint(self.weights.lane(number))

    def run_epoch(self) -> dict[int, DivergedError]:
        """Train every lane for an epoch, validate, and record both.

        Lanes whose loss became NaN or infinite are returned by number, each with its error; their epoch is
        not recorded. After any error, such as a `StoppedError` or a `torch.OutOfMemoryError`, the weights are
        those before the epoch.
        """
        before = deepcopy(self.weights)
        try:
            start = time.perf_counter()
            losses, accuracies = self._descend()
            scores = self._validate()
        except BaseException:
            self.weights = before
            raise
        seconds = (time.perf_counter() - start) / len(self.lanes)
        return self._record(losses, accuracies, scores, seconds=seconds)

    def _descend(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """One iteration per batch; the lanes' mean losses and accuracies are read from the device once."""
        draws = self._draws.take([(lane.task, lane.epoch + 1) for lane in self.lanes])
        steps = len(draws[0].labels)
        rates = np.stack([lane.learning_rates(steps) for lane in self.lanes], axis=1)
        rates_here = torch.from_numpy(rates).to(self._device, self.weights.parameters.dtype)  # (steps, lanes)
        masks = DropoutMasks(
            self.model.dropouts,
            [lane.task.torch_seed(lane.epoch + 1) for lane in self.lanes],
            device=self._device,
            steps_at_once=1 if self._device.type == "cpu" else min(STEPS_AT_ONCE, steps),
        )
        options = self._options()
        total, right = torch.zeros_like(rates_here[0]), torch.zeros_like(rates_here[0])
        for batch, own_rates in zip(self._batches(draws), rates_here, strict=True):
            stop_if_asked()
            losses, hits = self.model.step(self.weights, batch, options, masks=masks, rates=own_rates)
            total += losses
            right += hits
        self.weights.count_batches(masks.passes)
        stamps = draws[0].labels.size  # of one lane's epoch
        means = torch.stack([total / steps, right / stamps]).cpu().numpy().astype(np.float64)
        return means[0], means[1]

    def _options(self) -> dict[str, object]:
        """The method's options, those of all lanes; a number, which each lane has separately, is (lanes,)."""
        options = dict(self.lanes[0].task.options)
        for name, value in options.items():
            if is_number(value):
                own = [float(lane.task.options[name]) for lane in self.lanes]
                options[name] = torch.tensor(own, device=self._device)
        return options

    def _batches(self, draws: Sequence[Draws]) -> Iterator[Batch]:
        """Batches of all lanes: stamps (batch, lanes, 3, size, size), labels (batch, lanes)."""
        labels = np.stack([each.labels for each in draws], axis=-1).astype(np.int64)
        labels_here = torch.from_numpy(labels).to(self._device)  # (steps, batch, lanes)
        shares = [
            self._gathered([each.labelled[origin] for each in draws])
            for origin in range(len(draws[0].labelled))
        ]
        unlabelled = [each.unlabelled for each in draws if each.unlabelled is not None]
        others = self._gathered(unlabelled) if unlabelled else iter([None] * len(labels))
        for own_labels, parts, other in zip(labels_here, zip(*shares, strict=True), others, strict=True):
            yield Batch(torch.cat(parts) if len(parts) > 1 else parts[0], own_labels, other)

    def _gathered(self, drawn: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> Iterator[Tensor]:
        """Stamps (share, lanes, 3, size, size) of each step, from stamps and rows of each lane."""
        rows = np.stack([own_rows for _, own_rows in drawn], axis=-1)  # (steps, share, lanes)
        return self._pools.batches([own_stamps for own_stamps, _ in drawn], rows, lanes=2)

    def _validate(self) -> list[NDArray[np.float32]]:
        """Scores of each lane's own validation stamps."""
        sets = [lane.task.validation for lane in self.lanes]
        longest = max(len(each.rows) for each in sets)
        # a shorter set is filled up with its last stamp; the surplus scores are left out
        rows = np.stack([np.pad(s.rows, (0, longest - len(s.rows)), mode="edge") for s in sets], axis=1)
        stamps = [each.stamps for each in sets]
        block = max(1, SCORED_PIXELS // (stamps[0].shape[-1] * stamps[0].shape[-2] * len(sets)))
        scores = [
            self.model.scores(self.weights, batch)
            for start in range(0, longest, block)
            for batch in self._pools.batches(stamps, rows[np.newaxis, start : start + block], lanes=2)
        ]
        together = torch.cat(scores).cpu().numpy()  # (longest, lanes)
        return [together[: len(each.rows), number] for number, each in enumerate(sets)]

    def _record(
        self,
        losses: NDArray[np.float64],
        accuracies: NDArray[np.float64],
        scores: Sequence[NDArray[np.float32]],
        *,
        seconds: float,
    ) -> dict[int, DivergedError]:
        diverged, weights = {}, self.weights.in_memory()
        each = zip(self.lanes, losses, accuracies, scores, strict=True)
        for number, (lane, loss, accuracy, own_scores) in enumerate(each):
            try:
                lane.task.check_loss(float(loss), epoch=lane.epoch + 1)
            except DivergedError as error:
                diverged[number] = error
                continue
            row = lane.task.row(
                own_scores,
                epoch=lane.epoch + 1,
                train_loss=float(loss),
                train_accuracy=float(accuracy),
                learning_rate=float(lane.learning_rates(1)[0]),
                seconds=seconds,
            )
            lane.progress.record(row, weights.lane(number).classifier)
        return diverged
