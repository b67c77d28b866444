"""An extractor of several models (lanes) at once, layer by layer: each lane computes what it would alone.

Between layers activations are folded, (batch, lanes x channels, ...), the channels of a lane side by side. So
a convolution is a grouped one, batch normalisation has separate statistics for every channel of every lane,
and a dense layer is one batched product; all other layers are those of one model.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

Weights = Mapping[str, Tensor]  # parameters and buffers by name, (lanes, ...) each

STACKED = (nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.Linear, nn.Dropout, nn.Dropout2d)
AS_IN_ONE_MODEL = (nn.MaxPool2d, nn.ReLU, nn.ZeroPad2d, nn.Flatten)


def _layer(layer: nn.Module, weights: Weights, folded: Tensor, masks: Iterator[Tensor]) -> Tensor:
    if isinstance(layer, nn.Conv2d):
        lanes, weight = len(weights["weight"]), weights["weight"].flatten(0, 1)
        bias = weights["bias"].flatten() if "bias" in weights else None
        return functional.conv2d(
            folded, weight, bias, layer.stride, layer.padding, layer.dilation, groups=lanes * layer.groups
        )
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return functional.batch_norm(
            folded,
            weights["running_mean"].view(-1),
            weights["running_var"].view(-1),
            weights["weight"].flatten(),
            weights["bias"].flatten(),
            training=layer.training,
            momentum=layer.momentum or 0.0,  # a stack does not know a momentum of None: see `unstackable`
            eps=layer.eps,
        )
    if isinstance(layer, nn.Linear):
        features = folded.unflatten(1, (len(weights["weight"]), -1)).transpose(0, 1)  # (lanes, batch, in)
        transposed = weights["weight"].transpose(1, 2)  # (lanes, in, out)
        if "bias" in weights:
            product = torch.baddbmm(weights["bias"].unsqueeze(1), features, transposed)
        else:
            product = torch.bmm(features, transposed)
        return product.transpose(0, 1).flatten(1)
    if isinstance(layer, nn.Dropout | nn.Dropout2d):
        return folded * next(masks) if layer.training else folded
    values: Tensor = layer(folded)
    return values


def unstackable(extractor: nn.Module) -> str | None:
    """Name of what has no stacked form in an extractor; None if all of it has one."""
    if not isinstance(extractor, nn.Sequential):
        return type(extractor).__name__
    return next((repr(layer) for layer in extractor if not _stackable(layer)), None)


def _stackable(layer: nn.Module) -> bool:
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return layer.affine and layer.track_running_stats and layer.momentum is not None
    return type(layer) in STACKED + AS_IN_ONE_MODEL and getattr(layer, "padding_mode", "zeros") == "zeros"


@dataclass(frozen=True)
class Dropout:
    """A dropout layer: its share of values dropped, and the shape of one stamp's mask."""

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
            found.append(Dropout(layer.p, (channels, *([1] * len(side) if whole_maps else side))))
        values = layer(values)
    return found


def stacked_features(
    extractor: nn.Sequential, stamps: Tensor, weights: Weights, masks: Sequence[Tensor]
) -> Tensor:
    """Features (batch, lanes, features) of stamps (batch, lanes, 3, size, size), each lane's own.

    The extractor, one lane's, gives structure and mode (training or evaluation) but no weight. Running
    statistics among the weights are updated in place. Masks are folded, one for each of `dropouts`: 0, or one
    over the share that is kept.
    """
    by_layer: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, value in weights.items():
        number, own_name = name.split(".")
        by_layer[number][own_name] = value
    lanes, folded, remaining = stamps.shape[1], stamps.flatten(1, 2), iter(masks)
    for number, layer in extractor.named_children():
        folded = _layer(layer, by_layer[number], folded, remaining)
    return folded.unflatten(1, (lanes, -1))


class DropoutMasks:
    """The masks of an epoch; a lane's do not depend on the other lanes.

    On a CPU they are the very masks of `torch.nn.Dropout` in a training alone after `torch.manual_seed`, if
    they are drawn step by step. On a GPU a draw costs as much for many steps as for one: for `steps_at_once`.
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
        self.passes = 0  # through the network, so far

    def next_step(self) -> None:
        """Begin a step of training: its masks are of other draws."""
        self._step = (self._step + 1) % self._steps_at_once
        self._masks_taken = 0
        if self._step == 0:
            self._drawn = []

    def take(self, batch: int, dtype: torch.dtype) -> list[Tensor]:
        """Masks of one pass of `batch` stamps per lane through the network, folded."""
        self.passes += 1
        if self._masks_taken == len(self._drawn):
            self._drawn += [self._draw(dropout, batch, dtype) for dropout in self._dropouts]
        first, self._masks_taken = self._masks_taken, self._masks_taken + len(self._dropouts)
        return [drawn[self._step] for drawn in self._drawn[first : self._masks_taken]]

    def _draw(self, dropout: Dropout, batch: int, dtype: torch.dtype) -> Tensor:
        kept, shape = 1 - dropout.dropped, (self._steps_at_once, batch, *dropout.shape)
        drawn = [
            torch.empty(shape, dtype=dtype, device=self._device).bernoulli_(kept, generator=stream)
            for stream in self._streams
        ]
        return torch.cat(drawn, dim=2).div_(kept)  # (steps, batch, lanes x channels, ...)
