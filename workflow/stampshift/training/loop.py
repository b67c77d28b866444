"""The one training loop."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stampshift.errors import StampshiftError
from stampshift.evaluation.metrics import accuracy, evaluate, mean_cross_entropy
from stampshift.methods.method import Batch, Loss, Method, State
from stampshift.networks import build_classifier
from stampshift.networks.classifier import Classifier, place
from stampshift.training.data import TrainingData
from stampshift.training.optimiser import build_optimiser, build_schedule
from stampshift.training.predict import predict
from stampshift.training.sampler import epoch_batches
from stampshift.training.stopping import StoppedError, stop_if_asked

PERFECT = 1.0


class DivergedError(StampshiftError):
    """A training's loss became NaN or infinite."""


@dataclass
class Progress:
    """Where a training stands: all that a checkpoint must hold beside the classifier and the optimiser.

    Attributes
    ----------
    best_epoch, best_balanced_accuracy, best_state
        The epoch (from 1) with the highest validation balanced accuracy so far, the first one of equals.
    history
        A row per epoch.
    """

    best_epoch: int = 0
    best_balanced_accuracy: float = -1.0
    best_state: State = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)

    def finished(self, *, patience_epochs: int, max_epochs: int | None) -> bool:
        """Whether no later epoch may run, or none could be better.

        A perfect validation cannot be beaten and a tie keeps the earlier epoch, so stopping there
        changes no result.
        """
        out_of_patience = self.epoch - self.best_epoch >= patience_epochs
        at_the_end = max_epochs is not None and self.epoch >= max_epochs
        return self.epoch > 0 and (out_of_patience or at_the_end or self.best_balanced_accuracy == PERFECT)

    def record(self, row: dict[str, float], classifier: Classifier) -> None:
        """Add an epoch, and keep its weights if it is the best."""
        self.history.append(row)
        if row["validation_balanced_accuracy"] > self.best_balanced_accuracy:
            self.best_epoch = self.epoch
            self.best_balanced_accuracy = row["validation_balanced_accuracy"]
            self.best_state = {
                name: value.detach().cpu().clone() for name, value in classifier.state_dict().items()
            }


@dataclass(frozen=True)
class Task:
    """One training, ready to start.

    Attributes
    ----------
    name
        Of the run, for messages.
    method
        The method of training, its options resolved.
    network
        Key of `stampshift.networks.NETWORKS`.
    data
        What it may see.
    entropy
        Seed of all the run's random streams.
    options
        The method's options.
    training
        Section `training` of the configuration.
    baseline
        State of the model that the method starts from, for methods that start from one.
    device
        Where to train.
    """

    name: str
    method: Method
    network: str
    data: TrainingData
    entropy: int
    options: Mapping[str, Any]
    training: Mapping[str, Any]
    baseline: State | None
    device: torch.device


class Trainer:
    """A classifier with its optimiser and progress; every epoch's randomness comes from run and epoch alone.

    A training that goes on from a checkpoint therefore ends with the bytes of one never interrupted.
    Use inside `torch.random.fork_rng`: dropout draws from torch's own stream.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.progress = Progress()
        torch.manual_seed(self._torch_seed(epoch=0))
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
        validated = evaluate(validation.labels, scores)
        row = {
            "epoch": epoch,
            "train_loss": trained["train_loss"],
            "validation_loss": mean_cross_entropy(validation.labels, scores),
            "validation_accuracy": accuracy(validated["confusion"]),
            "validation_balanced_accuracy": validated["balanced_accuracy"],
            "learning_rate": trained["learning_rate"],
            "seconds": time.perf_counter() - start,
        }
        self.progress.record(row, self.classifier)

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Train one epoch, numbered from 1; its ``train_loss`` and its ``learning_rate`` at the start.

        Raises
        ------
        DivergedError, StoppedError
            As `run_epoch`.
        """
        task = self.task
        torch.manual_seed(self._torch_seed(epoch=epoch))
        batches = epoch_batches(
            task.method,
            task.data,
            epoch_size=task.training["epoch_size"],
            batch_size=task.training["batch_size"],
            generator=np.random.default_rng(self._stream(epoch=epoch)),
            device=task.device,
        )
        learning_rate = float(self._schedule.get_last_lr()[0])
        loss = self._descend(batches)
        if not np.isfinite(loss):
            raise DivergedError(
                f"{task.name}: the training loss is {loss} in epoch {epoch}; lower training.learning_rate "
                "or the entropy weight."
            )
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

    def _stream(self, *, epoch: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.task.entropy, spawn_key=(epoch,))

    def _torch_seed(self, *, epoch: int) -> int:
        # the sampler's stream is the sequence itself; its first child is torch's
        return int(self._stream(epoch=epoch).spawn(1)[0].generate_state(1, np.uint64)[0])


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
