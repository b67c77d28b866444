"""The one training loop."""

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from stampshift.methods.method import Batch, Method, Options, loss_and_hits
from stampshift.networks.classifier import Classifier, place
from stampshift.training.model import predict
from stampshift.training.optimisers import build_optimiser, build_schedule
from stampshift.training.precision import autocast, tensor_float32
from stampshift.training.progress import Progress, Task
from stampshift.training.sampler import epoch_batches, iterations_of, unlabelled_blocks
from stampshift.training.stopping import StoppedError, stop_if_asked


class Trainer:
    """A classifier with its optimiser and progress; every epoch's randomness comes from run and epoch alone.

    A training that goes on from a checkpoint therefore ends with the bytes of one never interrupted.
    Use inside `torch.random.fork_rng`: dropout draws from torch's own stream.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.progress = Progress()
        torch.manual_seed(task.torch_seed(0))
        self.classifier = task.random_classifier()
        task.method.initialise(self.classifier, task.baseline)
        place(self.classifier, task.device)
        self._optimiser = build_optimiser(self.classifier.parameters(), task.training)
        self._schedule = build_schedule(self._optimiser, task.training, iterations=iterations_of(task))

    def run_epoch(self) -> None:
        """Train one epoch, validate, and record both; errors as for `train_epoch`."""
        task, start, epoch = self.task, time.perf_counter(), self.progress.epoch + 1
        trained = self.train_epoch(epoch)
        scores = predict(self.classifier, task.validation.stamps, task.validation.rows, device=task.device)
        row = task.row(scores, epoch=epoch, seconds=time.perf_counter() - start, **trained)
        self.progress.record(row, self.classifier.state_dict())

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Train one epoch, from 1: its ``train_loss``, ``train_accuracy`` and first ``learning_rate``.

        They are NaN for a method without training. A loss that is NaN or infinite raises a `DivergedError`. A
        process that is asked to end raises a `StoppedError`, which leaves classifier and optimiser within the
        epoch.
        """
        task = self.task
        if task.method.without_training is not None:
            task.method.without_training(self.classifier, partial(unlabelled_blocks, task))
            return dict.fromkeys(("train_loss", "train_accuracy", "learning_rate"), math.nan)
        torch.manual_seed(task.torch_seed(epoch))
        learning_rate = float(self._schedule.get_last_lr()[0])
        self.classifier.train()
        total, right = (torch.zeros((), device=task.device) for _ in range(2))
        iterations = stamps = 0
        arithmetic = autocast(task.precision, task.device)
        with tensor_float32(task.precision):
            for batch in epoch_batches(task, epoch):
                stop_if_asked()
                loss, hits = descend(
                    task.method,
                    self.classifier,
                    batch,
                    task.options,
                    optimiser=self._optimiser,
                    arithmetic=arithmetic,
                )
                total += loss
                right += hits
                self._schedule.step()
                iterations += 1
                stamps += len(batch.labels)
        mean = (total / iterations).item()  # read from the device once
        task.check_loss(mean, epoch=epoch)
        return {
            "train_loss": mean,
            "train_accuracy": right.item() / stamps,
            "learning_rate": learning_rate,
        }

    def checkpoint(self) -> dict[str, Any]:
        """Everything that `resume` needs; tensors and plain types only."""
        return {
            "progress": asdict(self.progress),
            "classifier": self.classifier.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
        }

    def resume(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on where `checkpoint` was taken."""
        self.progress = Progress(**checkpoint["progress"])
        self.classifier.load_state_dict(checkpoint["classifier"])
        self._optimiser.load_state_dict(checkpoint["optimiser"])
        self._schedule.load_state_dict(checkpoint["schedule"])


def descend(
    method: Method,
    classifier: Classifier,
    batch: Batch,
    options: Options,
    *,
    optimiser: Optimizer,
    arithmetic: AbstractContextManager[object],
) -> tuple[Tensor, Tensor]:
    """One iteration: a step on each loss of a method, one after the other, on one batch.

    The losses are in the context `arithmetic`. Returns their sum, and how many labelled stamps were called
    right on the way.
    """
    total, right = (torch.zeros((), device=batch.stamps.device) for _ in range(2))
    for loss_of in method.losses:
        with arithmetic:
            loss, hits = loss_and_hits(loss_of, classifier, batch, options)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.detach()
        right += hits
    return total, right


def fit(
    task: Task,
    *,
    checkpoint: Mapping[str, Any] | None,
    save_checkpoint: Callable[[Mapping[str, Any]], None],
    checkpoint_epochs: int,
    on_epoch: Callable[[Progress], None],
) -> Progress:
    """Train one run until early stopping and return its history and the weights that each rule keeps.

    `checkpoint` is what `save_checkpoint` was last given for this run, or None to start anew; a
    checkpoint is saved every `checkpoint_epochs` epochs. Errors are those of `Trainer.train_epoch`; before a
    `StoppedError` the state after the last whole epoch is saved: a long epoch is not waited for, and trains
    again from its beginning.
    """
    with torch.random.fork_rng(devices=[task.device] if task.device.type == "cuda" else []):
        trainer = Trainer(task)
        if checkpoint is not None:
            trainer.resume(checkpoint)
        whole = deepcopy(checkpoint)  # the optimiser goes on in the tensors that it was given
        while not trainer.progress.finished(task.training):
            try:
                trainer.run_epoch()
            except StoppedError:
                if whole is not None:
                    save_checkpoint(whole)
                raise
            whole = deepcopy(trainer.checkpoint())
            on_epoch(trainer.progress)
            if trainer.progress.epoch % checkpoint_epochs == 0:
                save_checkpoint(whole)
    return trainer.progress
