"""The lanes of a stack: which runs may join it, what they start from, and their checkpoints."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stampshift.methods.method import copied_to_cpu
from stampshift.networks.classifier import Classifier
from stampshift.training.loop import Trainer
from stampshift.training.optimisers import learning_rates
from stampshift.training.progress import Progress, Task
from stampshift.training.sampler import iterations_of
from stampshift.training.stacked.descents import DESCENTS, Descent
from stampshift.training.stacked.extractor import unstackable
from stampshift.training.stacked.lane_weights import LaneState


def is_number(option: object) -> bool:
    """Whether an option may differ between the lanes of a stack."""
    return isinstance(option, int | float) and not isinstance(option, bool)


def why_alone(task: Task) -> str | None:
    """Why a training has no place in a stack; None if it has one."""
    if task.method.without_training is not None:
        return f"{task.method.name} does not train"
    if task.augmentation(1) is not None:
        return "the augmentation of its stamps has no stacked form"
    with torch.random.fork_rng(devices=[]):
        missing = unstackable(task.random_classifier().extractor)
    return f"{missing} of network {task.network} has no stacked form" if missing else None


def kind(task: Task) -> Hashable:
    """Equal for trainings that may share a stack: only data, random streams and numbers may differ."""
    options = {name: None if is_number(value) else value for name, value in task.options.items()}
    return (
        task.network,
        task.method,
        task.options.get("temperature"),
        task.precision,
        json.dumps([options, dict(task.training)], sort_keys=True),
        task.data.source.stamps.shape[1:],
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
        return self.epoch * iterations_of(self.task)

    def learning_rates(self, count: int) -> NDArray[np.float64]:
        """Of the next `count` iterations."""
        own = {"first": self._iterations, "iterations": iterations_of(self.task)}
        return learning_rates(self.task.training, count=count, **own)

    @property
    def descent(self) -> Descent:
        """How it descends."""
        return DESCENTS[self.task.training["optimiser"]]

    def first_state(self) -> LaneState:
        """Weights and the optimiser's state when it joined."""
        kept = self.joined_with["optimiser"]["state"]
        moments = {
            moment: {
                name: kept[number][moment] if number in kept else torch.zeros_like(value)
                for number, (name, value) in enumerate(self.classifier.named_parameters())
            }
            for moment in self.descent.moments
        }
        steps = float(kept[0]["step"]) if kept and self.descent.counts else 0.0
        return LaneState(self.joined_with["classifier"], moments, steps)

    def checkpoint(self, state: LaneState) -> dict[str, Any]:
        """What a training alone would keep with these weights after the epochs done."""
        optimiser, schedule = self.joined_with["optimiser"], self.joined_with["schedule"]
        rate = float(self.learning_rates(1)[0])
        moved = self.epoch > 0 and self.task.training["momentum"] != 0
        done = {"last_epoch": self._iterations, "_step_count": self._iterations + 1, "_last_lr": [rate]}
        return {
            "progress": asdict(self.progress),
            "classifier": copied_to_cpu(state.classifier),
            "optimiser": {
                "state": self._of_optimiser(state) if moved else {},
                "param_groups": [{**group, "lr": rate} for group in optimiser["param_groups"]],
            },
            "schedule": {**schedule, **done},
        }

    def _of_optimiser(self, state: LaneState) -> dict[int, dict[str, Tensor]]:
        moments = {moment: copied_to_cpu(dict(values)) for moment, values in state.moments.items()}
        return {
            number: ({"step": torch.tensor(state.steps)} if self.descent.counts else {})
            | {moment: values[name] for moment, values in moments.items()}
            for number, (name, _) in enumerate(self.classifier.named_parameters())
        }
