"""What a training starts from, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.core.errors import StampshiftError
from stampshift.methods.method import Method, State, copied_to_cpu
from stampshift.metrics.metrics import accuracy, evaluate, mean_cross_entropy
from stampshift.networks import build_classifier
from stampshift.networks.classifier import Classifier
from stampshift.training.data import Labelled, TrainingData
from stampshift.training.keeping import ACCURACY, FIRST_BEST, LOSS, PATIENCE, kept_epochs
from stampshift.training.model import Model
from stampshift.training.precision import FLOAT32

PERFECT = 1.0
VALIDATED = (ACCURACY, LOSS)


class DivergedError(StampshiftError):
    """A training's loss became NaN or infinite."""


@dataclass(frozen=True)
class Task:
    """One training, ready to start."""

    name: str  # of the run, for messages
    method: Method  # its options resolved
    network: str
    data: TrainingData
    entropy: int  # seed of all the run's random streams
    options: Mapping[str, Any]  # the method's
    training: Mapping[str, Any]  # section of the configuration
    baseline: State | None  # of the model that the method starts from, for methods that start from one
    device: torch.device
    precision: str = FLOAT32  # of the training's arithmetic

    def generator(self, epoch: int) -> np.random.Generator:
        """Stream of the samples of an epoch, numbered from 1."""
        return np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=(epoch,)))

    def augmentation(self, epoch: int) -> np.random.Generator | None:
        """Stream of the transforms of an epoch's stamps, which draws nothing else; None without them."""
        if self.training.get("augmentation", "none") == "none":
            return None
        return np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=(epoch, 1)))

    def torch_seed(self, epoch: int) -> int:
        """Seed of torch's stream in an epoch, dropout's; that of epoch 0 draws the random weights."""
        child = np.random.SeedSequence(self.entropy, spawn_key=(epoch, 0))
        return int(child.generate_state(1, np.uint64)[0])

    @property
    def validation(self) -> Labelled:
        """Validation stamps that choose the best epoch."""
        return self.data.validation(self.method.validation)

    def random_classifier(self) -> Classifier:
        """Classifier with random weights from torch's current random state, with the method's own parts."""
        classifier = build_classifier(**self._structure())
        for name, build in self.method.parts:
            classifier.parts[name] = build(classifier.n_features)
        return classifier

    def model(self, state: State) -> Model:
        """Model file of this training's classifier with some weights, without the method's own parts."""
        own = {name: value for name, value in state.items() if not name.startswith("parts.")}
        return Model(state=own, **self._structure())

    def _structure(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "head": self.method.head,
            "size_pixels": self.data.source.stamps.shape[-1],
            "temperature": self.options.get("temperature"),
        }

    def row(
        self,
        scores: NDArray[np.float32],
        *,
        epoch: int,
        train_loss: float,
        train_accuracy: float,
        learning_rate: float,
        seconds: float,
    ) -> dict[str, float]:
        """What the history keeps of an epoch, from the scores of the validation stamps after it.

        Of several surveys each counts the same, as in the draws: numbers are means over them.
        ``train_accuracy`` is the share of labelled stamps called right in the batches as they were trained
        on, with dropout and by weights that change from one batch to the next: it costs no pass of its own.
        """
        labels, surveys = self.validation.labels, self.validation.by_survey()
        validated = [_validated(labels[rows], scores[rows]) for rows in surveys]
        means = {name: sum(each[name] for each in validated) / len(surveys) for name in validated[0]}
        return {
            "epoch": epoch,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            **means,
            "learning_rate": learning_rate,
            "seconds": seconds,
        }

    def check_loss(self, loss: float, *, epoch: int) -> None:
        """Raise a `DivergedError` that names the run if the loss is NaN or infinite."""
        if not np.isfinite(loss):
            raise DivergedError(
                f"{self.name}: the training loss is {loss} in epoch {epoch}; lower training.learning_rate "
                "or the entropy weight."
            )


def _validated(labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> dict[str, float]:
    """What the history keeps of one survey's validation stamps."""
    validated = evaluate(labels, scores)
    return {
        "validation_loss": mean_cross_entropy(labels, scores),
        "validation_accuracy": accuracy(validated["confusion"]),
        "validation_balanced_accuracy": validated["balanced_accuracy"],
    }


@dataclass
class Progress:
    """Where a training stands: all that a checkpoint must hold beside the classifier and the optimiser."""

    history: list[dict[str, float]] = field(default_factory=list)  # a row per epoch
    states: dict[int, State] = field(default_factory=dict)  # weights after each epoch that a rule keeps

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)

    @property
    def kept(self) -> dict[str, int]:
        """Epoch, from 1, whose weights each rule of `keeping` keeps of those done, at least one."""
        return kept_epochs(*([row[name] for row in self.history] for name in VALIDATED))

    def after(self, epoch: int) -> dict[str, float]:
        """Row of the history of an epoch."""
        return self.history[epoch - 1]

    def end(self, training: Mapping[str, Any]) -> int:
        """Epoch after which a training ends, by a section `training`, unless a later one is better.

        The patience counts the epochs since the first one of the highest validation balanced accuracy, or,
        with ``stop_on`` `LOSS`, of the lowest validation loss: a tie does not renew it, whatever rule keeps
        the weights, so that every rule sees the same epochs.
        """
        since = self.kept[PATIENCE[training.get("stop_on", ACCURACY)]] if self.history else 0
        end: int = since + training["patience_epochs"]
        return end if training["max_epochs"] is None else min(end, training["max_epochs"])

    def finished(self, training: Mapping[str, Any]) -> bool:
        """Whether no later epoch may run: that of `end` is done, or the validation is perfect.

        Where the first best epoch is kept, a perfect validation ends the training at once: it cannot be
        beaten, and stopping there changes no result.
        """
        if not self.history:
            return False
        perfect = self.after(self.kept[FIRST_BEST])[ACCURACY] == PERFECT
        return self.epoch >= self.end(training) or (perfect and training["keep"] == FIRST_BEST)

    def record(self, row: dict[str, float], state: State) -> None:
        """Add an epoch, with a copy of its weights, and drop the weights that no rule keeps any longer."""
        self.history.append(row)
        latest = copied_to_cpu(state)
        self.states = {epoch: self.states.get(epoch, latest) for epoch in self.kept.values()}
