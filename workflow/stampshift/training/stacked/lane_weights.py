"""The weights of all lanes of a stack and what their optimiser keeps, each at its address for good."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from stampshift.methods.method import State
from stampshift.training.stacked.descents import Step


@dataclass(frozen=True)
class LaneState:
    """One lane as a training alone has it: the classifier's state, and that of its optimiser."""

    classifier: State
    moments: Mapping[str, State]  # by torch's name of what the optimiser keeps, and by parameter
    steps: float  # of the optimiser


@dataclass(frozen=True)
class LaneWeights:
    """Weights of all lanes and their optimiser's state, a lane's parameters one after the other in a row.

    All of them stay at their addresses, which a captured step knows: lanes come and go by `put`. One matrix
    makes a step of the optimiser a few operations, whatever the network.
    """

    shapes: Mapping[str, torch.Size]  # of one lane's parameters, by name
    parameters: Tensor  # (lanes, total)
    moments: Mapping[str, Tensor]  # likewise, by torch's name of what the optimiser keeps
    steps: Tensor  # float64 (lanes,), of the optimiser
    buffers: Mapping[str, Tensor]  # by name, (lanes, ...)

    @classmethod
    def of(cls, states: Sequence[LaneState], *, device: torch.device) -> "LaneWeights":
        """Put lanes side by side."""
        first, lanes = states[0], len(states)
        shapes = {name: value.shape for name, value in next(iter(first.moments.values())).items()}
        total = sum(shape.numel() for shape in shapes.values())
        weights = cls(
            shapes=shapes,
            parameters=torch.empty((lanes, total), device=device),
            moments={name: torch.empty((lanes, total), device=device) for name in first.moments},
            steps=torch.empty(lanes, dtype=torch.float64, device=device),
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
        rows = [(self.parameters, state.classifier)]
        rows += [(matrix, state.moments[name]) for name, matrix in self.moments.items()]
        for matrix, values in rows:
            row = torch.cat([values[name].reshape(-1) for name in self.shapes])
            matrix.detach()[number].copy_(row)
        for name, buffer in self.buffers.items():
            buffer[number].copy_(state.classifier[name])
        self.steps[number] = state.steps

    def named(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, (lanes, ...) each; gradients reach `parameters`."""
        return self._split(self.parameters) | dict(self.buffers)

    def classifiers(self) -> list[State]:
        """Every lane's weights in the computer's memory, in one transfer of the parameters of all."""
        buffers = {name: value.cpu() for name, value in self.buffers.items()}
        values = self._split(self.parameters.detach().cpu()) | buffers
        return [
            {name: value[number] for name, value in values.items()} for number in range(len(self.parameters))
        ]

    def copied(self) -> "LaneWeights":
        """The values as they are now, for `write`."""
        return self._each(Tensor.clone)

    def write(self, copied: "LaneWeights") -> None:
        """Go back to values that were copied."""
        for own, value in zip(self._tensors(), copied._tensors(), strict=True):
            own.detach().copy_(value)

    def alone(self, number: int) -> "LaneWeights":
        """One lane as a stack of its own, in the same storage."""
        own = self._each(lambda values: values[number : number + 1])
        own.parameters.requires_grad_()
        return own

    def lane(self, number: int) -> LaneState:
        """One lane's values: views, which later steps change."""

        def of_lane(values: Mapping[str, Tensor]) -> State:
            return {name: value[number] for name, value in values.items()}

        moments = {name: of_lane(self._split(matrix)) for name, matrix in self.moments.items()}
        classifier = of_lane(self._split(self.parameters.detach()) | dict(self.buffers))
        return LaneState(classifier, moments, float(self.steps[number]))

    def descend(self, gradient: Tensor, rates: Tensor, *, step: Step) -> None:
        """A step of the optimiser, at each lane's own learning rate (lanes,)."""
        with torch.no_grad():
            self.steps.add_(1)
            step(self.parameters, gradient, self.moments, rates, self.steps)

    def count_batches(self, passes: int) -> None:
        """Note that batch normalisation has seen so many batches more."""
        for name, value in self.buffers.items():
            if name.endswith("num_batches_tracked"):
                value += passes

    def _each(self, function: Callable[[Tensor], Tensor]) -> "LaneWeights":
        return replace(
            self,
            parameters=function(self.parameters.detach()),
            moments={name: function(matrix) for name, matrix in self.moments.items()},
            steps=function(self.steps),
            buffers={name: function(value) for name, value in self.buffers.items()},
        )

    def _tensors(self) -> list[Tensor]:
        return [self.parameters, *self.moments.values(), self.steps, *self.buffers.values()]

    def _split(self, matrix: Tensor) -> dict[str, Tensor]:
        parts = matrix.split([shape.numel() for shape in self.shapes.values()], dim=1)
        return {
            name: part.unflatten(1, shape) if shape else part.squeeze(1)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }
