"""What a training starts from, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from stampshift.methods.method import Method, State, copied_to_cpu
from stampshift.training.data import TrainingData

PERFECT = 1.0


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

    def record(self, row: dict[str, float], state: State) -> None:
        """Add an epoch, and keep its weights, a copy of `state`, if it is the best."""
        self.history.append(row)
        if row["validation_balanced_accuracy"] > self.best_balanced_accuracy:
            self.best_epoch = self.epoch
            self.best_balanced_accuracy = row["validation_balanced_accuracy"]
            self.best_state = copied_to_cpu(state)
