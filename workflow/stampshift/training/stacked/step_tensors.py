"""What a step of a stack reads and writes beside the weights, at the same addresses in every step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stampshift.methods.method import Batch
from stampshift.training.progress import Task
from stampshift.training.sampler import Draws, Source
from stampshift.training.stacked.lane import is_number
from stampshift.training.stacked.pools import Pools


@dataclass(frozen=True)
class StepTensors:
    """What a step reads and writes beside weights and masks: the same tensors in every step."""

    stamps: Tensor  # (lanes, batch, size, size, 3), labelled
    labels: Tensor  # int64 (lanes, batch)
    unlabelled: Tensor | None  # as the stamps
    rates: Tensor  # (lanes,), learning rates
    options: Mapping[str, object]  # the method's, those of all lanes; a number is (lanes,), each lane's own
    losses: Tensor  # (lanes,), sum over the steps so far
    hits: Tensor  # (lanes,), labelled stamps called right so far

    @classmethod
    def of(cls, task: Task, *, lanes: int, batch: int) -> "StepTensors":
        """Room for steps of a task on batches of a size."""
        channels, *side = task.data.source.stamps.shape[1:]
        device = task.device
        share = batch // len(task.method.labelled) * len(task.method.labelled)
        shape = (*side, channels)
        return cls(
            stamps=torch.zeros((lanes, share, *shape), device=device),
            labels=torch.zeros((lanes, share), dtype=torch.int64, device=device),
            unlabelled=(
                torch.zeros((lanes, batch, *shape), device=device) if task.method.uses_unlabelled else None
            ),
            rates=torch.zeros(lanes, device=device),
            options={
                name: torch.zeros(lanes, device=device) if is_number(value) else value
                for name, value in task.options.items()
            },
            losses=torch.zeros(lanes, device=device),
            hits=torch.zeros(lanes, device=device),
        )

    def set_options(self, options: Sequence[Mapping[str, Any]]) -> None:
        """Write each lane's numbers."""
        for name, value in self.options.items():
            if isinstance(value, Tensor):
                value.copy_(torch.tensor([float(each[name]) for each in options]))

    @property
    def batch(self) -> Batch:
        """All lanes' batch: stamps (lanes, batch, 3, size, size), as a method knows them."""
        unlabelled = None if self.unlabelled is None else _channels_first(self.unlabelled)
        return Batch(_channels_first(self.stamps), self.labels, unlabelled)

    def fill(self, draws: Sequence[Draws], rates: NDArray[np.float64], *, pools: Pools) -> Iterator[None]:
        """Write stamps, labels and learning rates (steps, lanes) of each step, one step after the other."""
        device = self.rates.device
        own_rates = torch.from_numpy(rates).to(device)
        labels = np.stack([each.labels for each in draws], axis=1).astype(np.int64)  # (steps, lanes, batch)
        own_labels = torch.from_numpy(labels).to(device)
        shares = [rows.shape[1] for _, rows in draws[0].labelled]
        places = list(self.stamps.split(shares, dim=1))
        parts = [_gathered([each.labelled[origin] for each in draws], pools) for origin in range(len(shares))]
        unlabelled = [each.unlabelled for each in draws if each.unlabelled is not None]
        if unlabelled and self.unlabelled is not None:
            places.append(self.unlabelled)
            parts.append(_gathered(unlabelled, pools))
        for step, stamps in enumerate(zip(*parts, strict=True)):
            for place, part in zip(places, stamps, strict=True):
                place.copy_(part)
            self.labels.copy_(own_labels[step])
            self.rates.copy_(own_rates[step])
            yield


def _gathered(drawn: Sequence[Source], pools: Pools) -> Iterator[Tensor]:
    """Stamps (lanes, share, size, size, 3) of each step, from stamps and rows of each lane."""
    rows = np.stack([own_rows for _, own_rows in drawn], axis=1)  # (steps, lanes, share)
    return pools.batches([own_stamps for own_stamps, _ in drawn], rows)


def _channels_first(stamps: Tensor) -> Tensor:
    return stamps.movedim(-1, 2)
