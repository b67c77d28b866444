"""The layers of a network for several models (lanes) at once: each lane computes what it would alone.

Activations are lane-major with the channels last, (lanes, batch, height, width, channels), or (lanes, batch,
features) behind the flattening. A convolution is then one batched product of the patches, a dense layer one
of the features, and batch normalisation has statistics of its own for every channel of every lane.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Weights = Mapping[str, Tensor]  # of one layer: parameters and buffers by name, (lanes, ...) each


@dataclass(frozen=True)
class Pass:
    """What the layers share in one pass through the network."""

    training: bool  # with the batch's statistics, which move the running ones, and with dropout
    dtype: torch.dtype  # of products and of activations between them
    masks: Iterator[Tensor]  # of the dropout layers in their order: 0, or one over the share that is kept


class Patches(torch.autograd.Function):
    """Patches of feature maps, (lanes, batch x rows x columns, kernel rows x kernel columns x channels)."""

    @staticmethod
    def forward(values: Tensor, kernel: tuple[int, int], stride: tuple[int, int]) -> Tensor:
        """All patches, side by side in memory."""
        windows = values.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1])
        return windows.permute(0, 1, 2, 3, 5, 6, 4).flatten(4).flatten(1, 3)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        """Keep shapes alone."""
        values, ctx.kernel, ctx.stride = inputs
        ctx.shape = values.shape

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None]:
        """Add up what the patches that share a pixel say of it."""
        if not ctx.needs_input_grad[0]:
            return None, None, None
        (rows, columns), (down, right) = ctx.kernel, ctx.stride
        lanes, batch, height, width, channels = ctx.shape
        own_rows, own_columns = (height - rows) // down + 1, (width - columns) // right + 1
        parts = gradients[0].view(lanes, batch, own_rows, own_columns, rows, columns, channels)
        found = parts.new_zeros(ctx.shape)
        for row in range(rows):
            for column in range(columns):
                seen = found[
                    :, :, row : row + down * own_rows : down, column : column + right * own_columns : right
                ]
                seen += parts[:, :, :, :, row, column]
        return found, None, None


def convolution(layer: nn.Conv2d, weights: Weights, values: Tensor, this: Pass) -> Tensor:
    """One batched product of patches and weights."""
    if isinstance(layer.padding, tuple) and any(layer.padding):
        down, right = layer.padding
        values = functional.pad(values, (0, 0, right, right, down, down))
    rows, columns = layer.kernel_size
    patches = Patches.apply(values.to(this.dtype), (rows, columns), layer.stride)
    matrix = weights["weight"].permute(0, 3, 4, 2, 1).flatten(1, 3)  # (lanes, patch, channels out)
    lanes, batch, height, width, _ = values.shape
    side = (height - rows) // layer.stride[0] + 1, (width - columns) // layer.stride[1] + 1
    return _product(patches, matrix, weights, this).view(lanes, batch, *side, -1)


def dense(layer: nn.Linear, weights: Weights, values: Tensor, this: Pass) -> Tensor:  # noqa: ARG001
    """One batched product of features and weights."""
    return _product(values.to(this.dtype), weights["weight"].transpose(1, 2), weights, this)


def _product(values: Tensor, matrix: Tensor, weights: Weights, this: Pass) -> Tensor:
    """Of values (lanes, rows, in) and matrices (lanes, in, out), plus the bias where there is one."""
    if "bias" not in weights:
        return torch.bmm(values, matrix.to(this.dtype))
    return torch.baddbmm(weights["bias"].unsqueeze(1).to(this.dtype), values, matrix.to(this.dtype))


def batch_normalisation(
    layer: nn.BatchNorm1d | nn.BatchNorm2d, weights: Weights, values: Tensor, this: Pass
) -> Tensor:
    """Statistics in float32 or better, whatever the activations; the running ones are moved in place."""
    rows = values.flatten(1, -2)  # (lanes, values of a channel, channels)
    rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
    if this.training:
        variance, mean = torch.var_mean(rows, dim=1, correction=0)
        move_statistics(layer, weights, mean=mean, variance=variance, count=rows.shape[1])
    else:
        mean, variance = weights["running_mean"], weights["running_var"]
    scale = weights["weight"] * torch.rsqrt(variance + layer.eps)
    shift = weights["bias"] - mean * scale
    return torch.addcmul(shift.unsqueeze(1), rows, scale.unsqueeze(1)).to(this.dtype).view(values.shape)


def move_statistics(
    layer: nn.BatchNorm1d | nn.BatchNorm2d, weights: Weights, *, mean: Tensor, variance: Tensor, count: int
) -> None:
    """Move the running statistics, in place, towards a batch's (lanes, channels) of `count` values each."""
    with torch.no_grad():
        share = layer.momentum or 0.0  # a stack does not know a momentum of None: see `unstackable`
        weights["running_mean"].lerp_(mean.detach(), share)
        weights["running_var"].lerp_(variance.detach() * (count / (count - 1)), share)


def maximum(layer: nn.MaxPool2d, weights: Weights, values: Tensor, this: Pass) -> Tensor:  # noqa: ARG001
    """Of windows side by side; the first of equal values has the gradient, as in torch's own."""
    side = layer.kernel_size if isinstance(layer.kernel_size, int) else layer.kernel_size[0]
    height, width = (length // side for length in values.shape[2:4])
    windows = (
        values[:, :, : height * side, : width * side].unflatten(3, (width, side)).unflatten(2, (height, side))
    )
    found = windows[:, :, :, 0, :, 0]
    for number in range(1, side**2):
        other = windows[:, :, :, number // side, :, number % side]
        found = torch.where((other > found) | other.isnan(), other, found)
    return found


def dropout(layer: nn.Module, weights: Weights, values: Tensor, this: Pass) -> Tensor:  # noqa: ARG001
    """By the pass' next mask."""
    return values * next(this.masks).to(values.dtype) if this.training else values


def relu(layer: nn.ReLU, weights: Weights, values: Tensor, this: Pass) -> Tensor:  # noqa: ARG001
    """Without change in place, whatever the layer says."""
    return torch.relu(values)


def padding(layer: nn.ZeroPad2d, weights: Weights, values: Tensor, this: Pass) -> Tensor:  # noqa: ARG001
    """Zeros around the maps."""
    return functional.pad(values, (0, 0, *layer.padding))


def flatten(layer: nn.Flatten, weights: Weights, values: Tensor, this: Pass) -> Tensor:  # noqa: ARG001
    """Features in the order of a model alone: channel by channel."""
    return values.movedim(-1, 2).flatten(2)


LayerForm = Callable[[Any, Weights, Tensor, Pass], Tensor]
LAYERS: dict[type[nn.Module], LayerForm] = {
    nn.Conv2d: convolution,
    nn.Linear: dense,
    nn.BatchNorm1d: batch_normalisation,
    nn.BatchNorm2d: batch_normalisation,
    nn.MaxPool2d: maximum,
    nn.Dropout: dropout,
    nn.Dropout2d: dropout,
    nn.ReLU: relu,
    nn.ZeroPad2d: padding,
    nn.Flatten: flatten,
}


def has_form(layer: nn.Module) -> bool:
    """Whether a layer, with its settings, has a form here."""
    match layer:
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return layer.affine and layer.track_running_stats and layer.momentum is not None
        case nn.Conv2d():
            return (layer.groups, layer.dilation, layer.padding_mode) == (
                1,
                (1, 1),
                "zeros",
            ) and not isinstance(layer.padding, str)
        case nn.MaxPool2d():
            plain = (layer.kernel_size, 0, 1, False, False)
            return isinstance(layer.kernel_size, int) and plain == (
                layer.stride, layer.padding, layer.dilation, layer.ceil_mode, layer.return_indices
            )  # fmt: skip
        case nn.Flatten():
            return (layer.start_dim, layer.end_dim) == (1, -1)
    return type(layer) in LAYERS
