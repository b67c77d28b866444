"""One run of a stack: whether it may join one, its state when it joined, and its checkpoints."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.networks.classifier import Classifier
from stampshift.training.loop import Trainer, learning_rates
from stampshift.training.progress import Progress, Task
from stampshift.training.stacked.extractor import unstackable
from stampshift.training.stacked.weights import LaneState


def is_number(option: object) -> bool:
    """Whether an option may differ between the lanes of a stack."""
    return isinstance(option, int | float) and not isinstance(option, bool)


def why_alone(task: Task) -> str | None:
    """Why a training has no place in a stack; None if it has one."""
    if task.training["optimiser"] != "sgd":
        return f"the optimiser {task.training['optimiser']} has no stacked form"
    if task.training["epoch_size"] is None:
        return "an epoch that is a pass over the train part is not the same number of batches for every run"
    with torch.random.fork_rng(devices=[]):
        missing = unstackable(task.random_classifier().extractor)
    return f"{missing} of network {task.network} has no stacked form" if missing else None


def kind(task: Task) -> Hashable:
    """Equal for trainings that may share a stack: only data, random streams and numbers may differ."""
    options = {name: None if is_number(value) else value for name, value in task.options.items()}
    data = task.data
    return (
        task.network,
        task.method,
        task.options.get("temperature"),
        json.dumps([options, dict(task.training)], sort_keys=True),
        id(data.source.stamps),
        id(data.unlabelled.stamps) if data.unlabelled is not None else None,
    )


@dataclass(frozen=True)
class Lane:
    """One run of a stack."""

    task: Task
    progress: Progress
    classifier: Classifier  # with its weights when it joined, on the CPU
    joined_with: Mapping[str, Any]  # its checkpoint when it joined

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
        return self.progress.finished(self.task.training)

    @property
    def _iterations(self) -> int:
        training = self.task.training
        return self.epoch * (training["epoch_size"] // training["batch_size"])

    def learning_rates(self, count: int) -> NDArray[np.float64]:
        """Of the next `count` iterations."""
        return learning_rates(self.task.training, first=self._iterations, count=count)

    def first_state(self) -> LaneState:
        """Weights and momentum when it joined."""
        kept = self.joined_with["optimiser"]["state"]
        momentum = {
            name: kept[number]["momentum_buffer"] if number in kept else torch.zeros_like(value)
            for number, (name, value) in enumerate(self.classifier.named_parameters())
        }
        return LaneState(self.joined_with["classifier"], momentum)

    def checkpoint(self, state: LaneState) -> dict[str, Any]:
        """What a training alone would keep with these weights after the epochs done."""
        optimiser, schedule = self.joined_with["optimiser"], self.joined_with["schedule"]
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
