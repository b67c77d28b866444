"""One run of a stack: what it was when it came, and what a training alone would keep of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.networks.classifier import Classifier
from stampshift.training.loop import Trainer
from stampshift.training.optimiser import learning_rates
from stampshift.training.progress import Progress, Task
from stampshift.training.stacked.weights import LaneState


@dataclass(frozen=True)
class Lane:
    """One run of a stack.

    Attributes
    ----------
    task
        The training.
    progress
        Where it stands.
    classifier
        With the weights that it came with, on the CPU.
    boarded
        Its checkpoint when it came.
    """

    task: Task
    progress: Progress
    classifier: Classifier
    boarded: Mapping[str, Any]

    @classmethod
    def start(cls, task: Task, checkpoint: Mapping[str, Any] | None) -> "Lane":
        """A training from its beginning, or from a checkpoint, of a training alone or of a lane."""
        with torch.random.fork_rng(devices=[]):
            trainer = Trainer(replace(task, device=torch.device("cpu")))
        if checkpoint is not None:
            trainer.resume(checkpoint)
        return cls(task, trainer.progress, trainer.classifier, trainer.checkpoint())

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.progress.epoch

    @property
    def finished(self) -> bool:
        """Whether early stopping has ended it."""
        training = self.task.training
        return self.progress.finished(
            patience_epochs=training["patience_epochs"], max_epochs=training["max_epochs"]
        )

    @property
    def _iterations(self) -> int:
        training = self.task.training
        return self.epoch * (training["epoch_size"] // training["batch_size"])

    def learning_rates(self, count: int) -> NDArray[np.float64]:
        """Of the next `count` iterations."""
        return learning_rates(self.task.training, first=self._iterations, count=count)

    def first_state(self) -> LaneState:
        """Weights and momentum that it came with."""
        kept = self.boarded["optimiser"]["state"]
        momentum = {
            name: kept[number]["momentum_buffer"] if number in kept else torch.zeros_like(value)
            for number, (name, value) in enumerate(self.classifier.named_parameters())
        }
        return LaneState(self.boarded["classifier"], momentum)

    def checkpoint(self, state: LaneState) -> dict[str, Any]:
        """What a training alone would keep with these weights after the epochs done."""
        optimiser, schedule = self.boarded["optimiser"], self.boarded["schedule"]
        rate, own = float(self.learning_rates(1)[0]), state.on_cpu()
        moved = self.epoch > 0 and self.task.training["momentum"] > 0
        buffers = {number: {"momentum_buffer": value} for number, value in enumerate(own.momentum.values())}
        done = {"last_epoch": self._iterations, "_step_count": self._iterations + 1, "_last_lr": [rate]}
        return {
            "progress": asdict(self.progress),
            "classifier": own.classifier,
            "optimiser": {
                "state": buffers if moved else {},
                "param_groups": [{**group, "lr": rate} for group in optimiser["param_groups"]],
            },
            "schedule": {**schedule, **done},
        }
