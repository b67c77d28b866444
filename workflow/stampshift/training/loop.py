"""The one training loop."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stampshift.core.errors import StampshiftError
from stampshift.methods.method import Batch, Loss
from stampshift.metrics.metrics import accuracy, evaluate, mean_cross_entropy
from stampshift.networks import build_classifier
from stampshift.networks.classifier import Classifier, place
from stampshift.training.optimiser import build_optimiser, build_schedule
from stampshift.training.predict import predict
from stampshift.training.progress import Progress, Task
from stampshift.training.sampler import epoch_batches
from stampshift.training.stopping import StoppedError, stop_if_asked


class DivergedError(StampshiftError):
    """A training's loss became NaN or infinite."""


class Trainer:
    """A classifier with its optimiser and progress; every epoch's randomness comes from run and epoch alone.

    A training that goes on from a checkpoint therefore ends with the bytes of one never interrupted.
    Use inside `torch.random.fork_rng`: dropout draws from torch's own stream.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.progress = Progress()
        torch.manual_seed(torch_seed(task, epoch=0))
        self.classifier = build_classifier(
            network=task.network,
            head=task.method.head,
            size_pixels=task.data.source.stamps.shape[-1],
            temperature=task.options.get("temperature"),
        )
        task.method.initialise(self.classifier, task.baseline)
        place(self.classifier, task.device)
        self._optimiser = build_optimiser(self.classifier.parameters(), task.training)
        self._schedule = build_schedule(self._optimiser, task.training)

    def run_epoch(self) -> None:
        """Train one epoch, validate, and record both.

        Raises
        ------
        DivergedError
            If the loss is NaN or infinite.
        StoppedError
            If the process was asked to end; classifier and optimiser are then left within the epoch.
        """
        task, start, epoch = self.task, time.perf_counter(), self.progress.epoch + 1
        trained = self.train_epoch(epoch)
        validation = task.data.validation(task.method.validation)
        scores = predict(self.classifier, validation.stamps, validation.rows, device=task.device)
        row = history_row(
            validation.labels,
            scores,
            epoch=epoch,
            loss=trained["train_loss"],
            learning_rate=trained["learning_rate"],
            seconds=time.perf_counter() - start,
        )
        self.progress.record(row, self.classifier.state_dict())

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Train one epoch, numbered from 1; its ``train_loss`` and its ``learning_rate`` at the start.

        Raises
        ------
        DivergedError, StoppedError
            As `run_epoch`.
        """
        task = self.task
        torch.manual_seed(torch_seed(task, epoch=epoch))
        batches = epoch_batches(
            task.method,
            task.data,
            epoch_size=task.training["epoch_size"],
            batch_size=task.training["batch_size"],
            generator=np.random.default_rng(stream(task, epoch=epoch)),
            device=task.device,
        )
        learning_rate = float(self._schedule.get_last_lr()[0])
        loss = self._descend(batches)
        check_loss(loss, task, epoch=epoch)
        return {"train_loss": loss, "learning_rate": learning_rate}

    def _descend(self, batches: Iterator[Batch]) -> float:
        """One iteration per batch; the mean loss is read from the device once, at the end."""
        self.classifier.train()
        total, count = torch.zeros((), device=self.task.device), 0
        for batch in batches:
            stop_if_asked()
            total += descend(
                self.task.method.losses, self.classifier, batch, self.task.options, optimiser=self._optimiser
            )
            self._schedule.step()
            count += 1
        return (total / count).item()

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


def stream(task: Task, *, epoch: int) -> np.random.SeedSequence:
    """Seed of the samples of a run's epoch."""
    return np.random.SeedSequence(task.entropy, spawn_key=(epoch,))


def torch_seed(task: Task, *, epoch: int) -> int:
    """Seed of torch's stream in a run's epoch, dropout's; that of epoch 0 draws the random weights."""
    # the sampler's stream is the sequence itself; its first child is torch's
    return int(stream(task, epoch=epoch).spawn(1)[0].generate_state(1, np.uint64)[0])


def check_loss(loss: float, task: Task, *, epoch: int) -> None:
    """Raise a `DivergedError` that names the run if the loss is NaN or infinite."""
    if not np.isfinite(loss):
        raise DivergedError(
            f"{task.name}: the training loss is {loss} in epoch {epoch}; lower training.learning_rate "
            "or the entropy weight."
        )


def history_row(
    labels: NDArray[np.uint8],
    scores: NDArray[np.float32],
    *,
    epoch: int,
    loss: float,
    learning_rate: float,
    seconds: float,
) -> dict[str, float]:
    """What the history keeps of an epoch, from the labels and scores of its validation stamps."""
    validated = evaluate(labels, scores)
    return {
        "epoch": epoch,
        "train_loss": loss,
        "validation_loss": mean_cross_entropy(labels, scores),
        "validation_accuracy": accuracy(validated["confusion"]),
        "validation_balanced_accuracy": validated["balanced_accuracy"],
        "learning_rate": learning_rate,
        "seconds": seconds,
    }


def descend(
    losses: Sequence[Loss],
    classifier: Classifier,
    batch: Batch,
    options: Mapping[str, Any],
    *,
    optimiser: torch.optim.Optimizer,
) -> Tensor:
    """One iteration: a step on each loss of a method, one after the other, on one batch; their sum."""
    total = torch.zeros((), device=batch.stamps.device)
    for loss_of in losses:
        loss = loss_of(classifier, batch, options)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.detach()
    return total


def fit(
    task: Task,
    *,
    checkpoint: Mapping[str, Any] | None,
    save_checkpoint: Callable[[Mapping[str, Any]], None],
    checkpoint_epochs: int,
    on_epoch: Callable[[Progress], None],
) -> Progress:
    """Train one run until early stopping and return its history and best weights.

    Parameters
    ----------
    task
        The training.
    checkpoint
        What `save_checkpoint` was last given for this run, or None to start afresh.
    save_checkpoint
        Called every `checkpoint_epochs` epochs.
    checkpoint_epochs
        Epochs between two checkpoints.
    on_epoch
        Called after each epoch.

    Raises
    ------
    DivergedError
        If the loss is NaN or infinite.
    StoppedError
        If the process was asked to end. `save_checkpoint` was called with the state after the last whole
        epoch: a long epoch is not waited for, and trains again from its beginning.
    """
    with torch.random.fork_rng(devices=[task.device] if task.device.type == "cuda" else []):
        trainer = Trainer(task)
        if checkpoint is not None:
            trainer.resume(checkpoint)
        whole = deepcopy(checkpoint)  # the optimiser goes on in the tensors that it was given
        while not trainer.progress.finished(
            patience_epochs=task.training["patience_epochs"], max_epochs=task.training["max_epochs"]
        ):
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
