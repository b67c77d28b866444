"""The lanes of a stack: which runs may join it, their weights and checkpoints, and what descends on them."""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stampshift.methods.method import State, copied_to_cpu
from stampshift.networks.classifier import Classifier
from stampshift.training.loop import Trainer
from stampshift.training.optimisers import learning_rates
from stampshift.training.progress import Progress, Task
from stampshift.training.sampler import iterations_of
from stampshift.training.stacked.extractor import unstackable


def is_number(option: object) -> bool:
    """Whether an option may differ between the lanes of a stack."""
    return isinstance(option, int | float) and not isinstance(option, bool)


def why_alone(task: Task) -> str | None:
    """Why a training has no place in a stack; None if it has one."""
    if task.method.without_training is not None:
        return f"{task.method.name} does not train"
    if task.training["optimiser"] != "sgd":
        return f"the optimiser {task.training['optimiser']} has no stacked form"
    if task.augmentation(1) is not None:
        return "the augmentation of its stamps has no stacked form"
    if task.training["epoch_size"] is None:
        return "an epoch that is a pass over the train part is not the same number of batches for every run"
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
class LaneState:
    """One lane as a training alone has it: the classifier's state, and momentum by parameter."""

    classifier: State
    momentum: State


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
        rate, momentum = float(self.learning_rates(1)[0]), copied_to_cpu(state.momentum)
        moved = self.epoch > 0 and self.task.training["momentum"] > 0
        buffers = {number: {"momentum_buffer": value} for number, value in enumerate(momentum.values())}
        done = {"last_epoch": self._iterations, "_step_count": self._iterations + 1, "_last_lr": [rate]}
        return {
            "progress": asdict(self.progress),
            "classifier": copied_to_cpu(state.classifier),
            "optimiser": {
                "state": buffers if moved else {},
                "param_groups": [{**group, "lr": rate} for group in optimiser["param_groups"]],
            },
            "schedule": {**schedule, **done},
        }


@dataclass(frozen=True)
class LaneWeights:
    """Weights and momentum of all lanes, a lane's parameters one after the other in a row.

    All of them stay at their addresses, which a captured step knows: lanes come and go by `put`. One matrix
    makes a step of the optimiser two operations, whatever the network.
    """

    shapes: Mapping[str, torch.Size]  # of one lane's parameters, by name
    parameters: Tensor  # (lanes, total)
    momentum: Tensor  # likewise
    buffers: dict[str, Tensor]  # by name, (lanes, ...)

    @classmethod
    def of(cls, states: Sequence[LaneState], *, device: torch.device) -> "LaneWeights":
        """Put lanes side by side."""
        first, lanes = states[0], len(states)
        shapes = {name: value.shape for name, value in first.momentum.items()}
        total = sum(shape.numel() for shape in shapes.values())
        weights = cls(
            shapes=shapes,
            parameters=torch.empty((lanes, total), device=device),
            momentum=torch.empty((lanes, total), device=device),
            buffers={
                name: torch.empty((lanes, *value.shape), dtype=value.dtype, device=device)
                for name, value in first.classifier.items()
                if name not in shapes
            },
        )
        for number, state in enumerate(states):
            weights.put(number, state)
        weights.parameters.requires_grad_()
        return weights

    def put(self, number: int, state: LaneState) -> None:
        """Write one lane's values in the place of those of another."""
        for vector, values in ((self.parameters, state.classifier), (self.momentum, state.momentum)):
            row = torch.cat([values[name].reshape(-1) for name in self.shapes])
            vector.detach()[number].copy_(row)
        for name, buffer in self.buffers.items():
            buffer[number].copy_(state.classifier[name])

    def named(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, (lanes, ...) each; gradients reach `parameters`."""
        return self._split(self.parameters) | self.buffers

    def classifiers(self) -> list[State]:
        """Every lane's weights in the computer's memory, in one transfer of the parameters of all."""
        buffers = {name: value.cpu() for name, value in self.buffers.items()}
        values = self._split(self.parameters.detach().cpu()) | buffers
        return [
            {name: value[number] for name, value in values.items()} for number in range(len(self.momentum))
        ]

    def copied(self) -> "LaneWeights":
        """The values as they are now, for `write`."""
        return replace(
            self,
            parameters=self.parameters.detach().clone(),
            momentum=self.momentum.clone(),
            buffers={name: value.clone() for name, value in self.buffers.items()},
        )

    def write(self, copied: "LaneWeights") -> None:
        """Go back to values that were copied."""
        for own, value in zip(self._tensors(), copied._tensors(), strict=True):
            own.detach().copy_(value)

    def lane(self, number: int) -> LaneState:
        """One lane's values: views, which later steps change."""
        values = self._split(self.parameters.detach()) | self.buffers
        momentum = self._split(self.momentum)
        return LaneState(*({name: value[number] for name, value in of.items()} for of in (values, momentum)))

    def descend(self, gradient: Tensor, rates: Tensor, *, momentum: float) -> None:
        """A step of stochastic gradient descent with momentum, at each lane's own learning rate (lanes,)."""
        with torch.no_grad():
            torch.add(gradient, self.momentum, alpha=momentum, out=self.momentum)
            self.parameters.addcmul_(self.momentum, rates.unsqueeze(1), value=-1)

    def count_batches(self, passes: int) -> None:
        """Note that batch normalisation has seen so many batches more."""
        for name, value in self.buffers.items():
            if name.endswith("num_batches_tracked"):
                value += passes

    def _tensors(self) -> list[Tensor]:
        return [self.parameters, self.momentum, *self.buffers.values()]

    def _split(self, matrix: Tensor) -> dict[str, Tensor]:
        parts = matrix.split([shape.numel() for shape in self.shapes.values()], dim=1)
        return {
            name: part.unflatten(1, shape) if shape else part.squeeze(1)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }
