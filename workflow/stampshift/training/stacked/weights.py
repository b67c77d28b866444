"""The weights of several lanes and what descends on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from stampshift.methods.method import State, copied_to_cpu


@dataclass(frozen=True)
class LaneState:
    """One lane as a training alone has it: the classifier's state, and momentum by parameter."""

    classifier: State
    momentum: State

    def on_cpu(self) -> "LaneState":
        """A copy in the computer's memory."""
        return LaneState(copied_to_cpu(self.classifier), copied_to_cpu(self.momentum))


@dataclass(frozen=True)
class LaneWeights:
    """Weights and momentum of all lanes, parameters one after the other in one vector.

    One vector makes a step of the optimiser four operations, whatever the network.
    """

    lanes: int
    shapes: Mapping[str, torch.Size]  # of one lane's parameters, by name
    parameters: Tensor  # (total,): of each parameter in turn, all lanes' values
    momentum: Tensor  # likewise
    lane_of: Tensor  # int64 (total,), the lane of each value
    buffers: dict[str, Tensor]  # by name, (lanes, ...)

    @classmethod
    def of(cls, states: Sequence[LaneState], *, device: torch.device) -> "LaneWeights":
        """Put lanes side by side."""
        first, lanes = states[0], len(states)
        shapes = {name: value.shape for name, value in first.momentum.items()}
        sizes = torch.tensor([shape.numel() for shape in shapes.values()])
        number = torch.arange(lanes).repeat(len(sizes))  # (parameters x lanes,)
        lane_of = number.repeat_interleave(sizes.repeat_interleave(lanes))

        def joined(each: Sequence[State]) -> Tensor:
            return torch.cat([state[name].to(device).reshape(-1) for name in shapes for state in each])

        return cls(
            lanes=lanes,
            shapes=shapes,
            parameters=joined([state.classifier for state in states]).requires_grad_(),
            momentum=joined([state.momentum for state in states]),
            lane_of=lane_of.to(device),
            buffers={
                name: torch.stack([state.classifier[name].to(device) for state in states])
                for name in first.classifier
                if name not in shapes
            },
        )

    def copy(self) -> "LaneWeights":
        """The same values, which no later step changes."""
        return replace(
            self,
            parameters=self.parameters.detach().clone().requires_grad_(),
            momentum=self.momentum.clone(),
            buffers={name: value.clone() for name, value in self.buffers.items()},
        )

    def named(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, (lanes, ...) each; gradients reach `parameters`."""
        return {**self._split(self.parameters), **self.buffers}

    def lane(self, number: int) -> LaneState:
        """One lane's values: views, which later steps change."""
        parameters, momentum = self._split(self.parameters.detach()), self._split(self.momentum)
        values = {**parameters, **self.buffers}
        return LaneState(
            {name: value[number] for name, value in values.items()},
            {name: value[number] for name, value in momentum.items()},
        )

    def descend(self, gradient: Tensor, rates: Tensor, *, momentum: float) -> None:
        """A step of stochastic gradient descent with momentum, at each lane's own learning rate (lanes,)."""
        with torch.no_grad():
            self.momentum.mul_(momentum).add_(gradient)
            self.parameters.addcmul_(self.momentum, rates.index_select(0, self.lane_of), value=-1)

    def count_batches(self, passes: int) -> None:
        """Note that batch normalisation has seen so many batches more."""
        for name, value in self.buffers.items():
            if name.endswith("num_batches_tracked"):
                value += passes

    def _split(self, vector: Tensor) -> dict[str, Tensor]:
        parts = vector.split([self.lanes * shape.numel() for shape in self.shapes.values()])
        return {
            name: part.view(self.lanes, *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }
