"""Dropout masks of several lanes, each from a random stream of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from stampshift.training.stacked.extractor import Dropout


class DropoutMasks:
    """The masks of an epoch; a lane's do not depend on the other lanes.

    On a CPU they are the very masks of `torch.nn.Dropout` in a training alone after `torch.manual_seed`, if
    they are drawn step by step. On a GPU a draw costs as much for many steps as for one.

    Parameters
    ----------
    dropouts
        Layers of the network, in their order.
    seeds
        Of the lanes' streams.
    device
        Where the masks go, and are drawn.
    steps_at_once
        Steps that are drawn for at once.

    Attributes
    ----------
    passes
        Through the network, so far.
    """

    def __init__(
        self, dropouts: Sequence[Dropout], seeds: Sequence[int], *, device: torch.device, steps_at_once: int
    ) -> None:
        self._dropouts = dropouts
        self._streams = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self._device = device
        self._steps_at_once = steps_at_once
        self._drawn: list[Tensor] = []  # by number of the mask within a step
        self._step = -1
        self._masks_taken = 0
        self.passes = 0

    def next_step(self) -> None:
        """Begin a step of training: its masks are of other draws."""
        self._step = (self._step + 1) % self._steps_at_once
        self._masks_taken = 0
        if self._step == 0:
            self._drawn = []

    def take(self, batch: int, dtype: torch.dtype) -> list[Tensor]:
        """Masks of one pass of `batch` stamps per lane through the network, folded."""
        self.passes += 1
        return [self._next(dropout, batch, dtype) for dropout in self._dropouts]

    def _next(self, dropout: Dropout, batch: int, dtype: torch.dtype) -> Tensor:
        if self._masks_taken == len(self._drawn):
            self._drawn.append(self._draw(dropout, batch, dtype))
        mask = self._drawn[self._masks_taken][self._step]
        self._masks_taken += 1
        return mask

    def _draw(self, dropout: Dropout, batch: int, dtype: torch.dtype) -> Tensor:
        kept, shape = 1 - dropout.dropped, (self._steps_at_once, batch, *dropout.shape)
        drawn = [
            torch.empty(shape, dtype=dtype, device=self._device).bernoulli_(kept, generator=stream)
            for stream in self._streams
        ]
        return torch.cat(drawn, dim=2).div_(kept)  # (steps, batch, lanes x channels, ...)
