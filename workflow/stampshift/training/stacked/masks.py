"""The masks of dropout, each lane's of a random stream of its own."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from stampshift.training.progress import Task
from stampshift.training.sampler import iterations_of

STEPS_AT_ONCE = 50  # that masks are drawn for on a GPU, where a draw costs as much for many steps as for one
MASKS_BYTES = 1 << 24  # of a lane's masks drawn at once, at most, unless one step's are larger


@dataclass(frozen=True)
class Dropout:
    """A dropout layer: its share of values dropped, and the shape of one stamp's mask, channels last."""

    dropped: float
    shape: tuple[int, ...]


def dropouts(extractor: nn.Sequential, stamp_shape: Sequence[int]) -> list[Dropout]:
    """The dropout layers of an extractor, in their order, for stamps of a shape (3, size, size)."""
    found, layers = [], deepcopy(extractor).to("meta").eval()
    values = torch.empty((1, *stamp_shape), device="meta")
    for layer in layers:
        if isinstance(layer, nn.Dropout | nn.Dropout2d):
            channels, *side = values.shape[1:]
            whole_maps = isinstance(layer, nn.Dropout2d)
            found.append(Dropout(layer.p, (*([1] * len(side) if whole_maps else side), channels)))
        values = layer(values)
    return found


def steps_at_once(dropouts: Sequence[Dropout], *, task: Task) -> int:
    """Steps that masks are drawn for at once: what a lane draws must not depend on the other lanes.

    In a pass a lane's last batches have a size or a number of their own (`DropoutMasks.of_lane`).
    """
    if task.device.type == "cpu" or task.training["epoch_size"] is None:
        return 1
    one = 4 * task.training["batch_size"] * max((prod(each.shape) for each in dropouts), default=1)
    return max(1, min(STEPS_AT_ONCE, iterations_of(task), MASKS_BYTES // one))


class DropoutMasks:
    """The masks of a step, at the same addresses in every step; a lane's do not depend on the other lanes.

    On a CPU they are the very masks of `torch.nn.Dropout` in a training alone after `torch.manual_seed`, if
    they are drawn for one step at once. The first step shows how many passes through the network one makes.
    """

    def __init__(self, dropouts: Sequence[Dropout], *, device: torch.device, steps_at_once: int) -> None:
        self._dropouts, self._device, self._steps_at_once = dropouts, device, steps_at_once
        self._streams: list[torch.Generator] = []
        self._step = -1
        self._batches: list[int] = []  # stamps of a lane, by pass
        self._places: list[list[Tensor]] = []  # (lanes, batch, ...), by pass and dropout layer
        self._drawn: list[list[Tensor]] = []  # (steps, lanes, batch, ...) likewise

    @property
    def passes(self) -> int:
        """Passes through the network in a step, once one was made."""
        return len(self._places)

    def begin_epoch(self, seeds: Sequence[int]) -> None:
        """Begin the stream of each lane anew."""
        self._streams = [torch.Generator(self._device).manual_seed(seed) for seed in seeds]
        self._step = -1

    def next_step(self) -> None:
        """Write the masks of the next step to their places."""
        self._step = (self._step + 1) % self._steps_at_once
        if self._step == 0:
            self._drawn = [self._draws(batch) for batch in self._batches]
        for places, drawn in zip(self._places, self._drawn, strict=True):
            for place, values in zip(places, drawn, strict=True):
                place.copy_(values[self._step])

    def take(self, number: int, batch: int) -> list[Tensor]:
        """Masks of the pass of a `number`, from 0, of `batch` stamps per lane, as the step has them."""
        if number == len(self._places):
            self._batches.append(batch)
            self._drawn.append(self._draws(batch))
            self._places.append([drawn[self._step].clone() for drawn in self._drawn[number]])
        return self._places[number]

    def of_lane(self, number: int) -> "DropoutMasks":
        """Those of one lane, for batches of another size: they go on in its stream, step by step."""
        own = DropoutMasks(self._dropouts, device=self._device, steps_at_once=1)
        own._streams = [self._streams[number]]
        return own

    def _draws(self, batch: int) -> list[Tensor]:
        return [self._draw(dropout, batch) for dropout in self._dropouts]

    def _draw(self, dropout: Dropout, batch: int) -> Tensor:
        kept, shape = 1 - dropout.dropped, (self._steps_at_once, batch, *dropout.shape)
        drawn = [
            torch.empty(shape, device=self._device).bernoulli_(kept, generator=stream)
            for stream in self._streams
        ]
        return torch.stack(drawn, dim=1).div_(kept)
