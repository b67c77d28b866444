"""Blocks of layers by the kernels of `kernels`, with their gradients, in the place of the layers' own forms.

Triton is imported here: see `kernels`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor, nn
from torch.nn import functional

from stampshift.training.stacked import kernels
from stampshift.training.stacked.blocks import Block, parts
from stampshift.training.stacked.extractor import by_layer
from stampshift.training.stacked.layers import LAYERS, Pass, Weights, move_statistics

# what a program multiplies at once: output pixels and channels, and places of a patch, if it has many
ROWS, COLUMNS, PLACES = 64, 64, 32
GRADIENT_ROWS, GRADIENT_PLACES = 32, 64  # for the gradient of a matrix, which has places as its rows
WINDOWS = 32  # of a program of the maximum, and pixels of one of the folding
ROWS_OF_PART = 2048  # pixels whose weight gradient is summed by one program


@dataclass(frozen=True)
class Geometry:
    """A convolution without padding, of maps (lanes, batch, height, width, channels)."""

    lanes: int
    batch: int
    height: int
    width: int
    channels: int
    kernel_rows: int
    kernel: int
    down: int
    right: int
    out: int

    @classmethod
    def of(cls, values: Tensor, layer: nn.Conv2d) -> "Geometry":
        """Of a layer on some maps."""
        lanes, batch, height, width, channels = values.shape
        shape = (*layer.kernel_size, *layer.stride, layer.out_channels)
        return cls(lanes, batch, height, width, channels, *shape)

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of the maps that come out."""
        return (
            (self.height - self.kernel_rows) // self.down + 1,
            (self.width - self.kernel) // self.right + 1,
        )

    @property
    def rows(self) -> int:
        """Pixels that come out, of a lane."""
        return self.batch * self.sides[0] * self.sides[1]

    @property
    def patch(self) -> int:
        """Values of a patch."""
        return self.kernel_rows * self.kernel * self.channels

    @property
    def maps(self) -> dict[str, int]:
        """What the kernels must know of it when they are compiled."""
        high, wide = self.sides
        return {
            "OUT_HEIGHT": high, "OUT_WIDTH": wide, "HEIGHT": self.height, "WIDTH": self.width,
            "CHANNELS": self.channels, "KERNEL": self.kernel, "DOWN": self.down, "RIGHT": self.right,
        }  # fmt: skip


def sums(dtype: torch.dtype) -> torch.dtype:
    """Of sums over values of a kind: float32 or better."""
    return torch.promote_types(dtype, torch.float32)


def _sum_of(values: Tensor) -> Any:
    return kernels.tl.float64 if sums(values.dtype) == torch.float64 else kernels.tl.float32


def _tile(patch: int, largest: int) -> int:
    """Places that a program takes at once: half as many of a small patch, so that fewer of them are empty."""
    return largest if patch >= 8 * largest else largest // 2


def _precision() -> str:
    return "tf32" if torch.backends.cuda.matmul.allow_tf32 else "ieee"


class Convolution(torch.autograd.Function):
    """Outputs (lanes, batch, height, width, channels), and mean and variance (lanes, channels) of a lane's.

    The statistics have no gradient of their own: `NormalisedMaximum` has all of it.
    """

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, matrix: Tensor, bias: Tensor, shape: Geometry
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Of maps, a matrix (lanes, patch, channels out) and a bias (lanes, channels out)."""
        values, matrix = values.contiguous(), matrix.contiguous()
        blocks, sum_type = triton.cdiv(shape.rows, ROWS), sums(values.dtype)
        out = values.new_empty((shape.lanes, shape.batch, *shape.sides, shape.out))
        means, squares = (
            values.new_empty((shape.lanes, blocks, shape.out), dtype=sum_type) for _ in range(2)
        )
        kernels.convolve[blocks, shape.lanes, triton.cdiv(shape.out, COLUMNS)](
            values, matrix, bias.contiguous(), out, means, squares, shape.rows,
            **shape.maps, PATCH=shape.patch, OUT=shape.out, STATISTICS=True, PRECISION=_precision(),
            SUM=_sum_of(values), ROWS=ROWS, PLACES=_tile(shape.patch, PLACES), COLUMNS=COLUMNS,
        )  # fmt: skip
        counts = torch.full((blocks, 1), ROWS, dtype=sum_type, device=values.device)
        counts[-1] = shape.rows - (blocks - 1) * ROWS
        mean = (means * counts).sum(1) / shape.rows
        variance = (squares + counts * (means - mean.unsqueeze(1)) ** 2).sum(1) / shape.rows
        ctx.save_for_backward(values, matrix)
        ctx.shape = shape
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        """Of the maps, the matrix and the bias."""
        (values, matrix), shape, gradient = ctx.saved_tensors, ctx.shape, gradients[0].contiguous()
        pieces = triton.cdiv(shape.rows, ROWS_OF_PART)
        found = values.new_empty((shape.lanes, pieces, shape.patch + 1, shape.out), dtype=sums(values.dtype))
        places = _tile(shape.patch, GRADIENT_PLACES)
        blocks = triton.cdiv(shape.patch + 1, places) * triton.cdiv(shape.out, COLUMNS)
        kernels.weight_gradient[blocks, pieces, shape.lanes](
            values, gradient, found, shape.rows, ROWS_OF_PART,
            **shape.maps, PATCH=shape.patch, OUT=shape.out, PRECISION=_precision(), SUM=_sum_of(values),
            ROWS=GRADIENT_ROWS, PLACES=places, COLUMNS=COLUMNS,
        )  # fmt: skip
        whole = found.sum(1).to(matrix.dtype)
        back = _maps_gradient(gradient, matrix, shape) if ctx.needs_input_grad[0] else None
        return back, whole[:, :-1], whole[:, -1], None


def _maps_gradient(gradient: Tensor, matrix: Tensor, shape: Geometry) -> Tensor:
    """Gradient of maps: that of the patches, folded."""
    patches = torch.bmm(gradient.flatten(1, 3), matrix.transpose(1, 2))  # (lanes, rows, patch)
    found = gradient.new_empty((shape.lanes, shape.batch, shape.height, shape.width, shape.channels))
    pixels = shape.batch * shape.height * shape.width
    kernels.fold[triton.cdiv(pixels, WINDOWS), shape.lanes, triton.cdiv(shape.channels, COLUMNS)](
        patches, found, pixels, **shape.maps, KERNEL_ROWS=shape.kernel_rows, SUM=_sum_of(gradient),
        ROWS=WINDOWS, COLUMNS=COLUMNS,
    )  # fmt: skip
    return found


class NormalisedMaximum(torch.autograd.Function):
    """Batch normalisation with a batch's own statistics, dropout of channels, maximum and ReLU in one."""

    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        mean: Tensor,
        variance: Tensor,
        weight: Tensor,
        bias: Tensor,
        mask: Tensor | None,
        side: int,
        relu: bool,
        eps: float,
    ) -> Tensor:
        """Maps of maps; statistics, weight and bias (lanes, channels), mask (lanes, batch, channels)."""
        lanes, batch, height, width, channels = values.shape
        rate = torch.rsqrt(variance + eps)
        scale = weight * rate
        shift = bias - mean * scale
        out = values.new_empty((lanes, batch, height // side, width // side, channels))
        windows = batch * (height // side) * (width // side)
        settings = {
            "HEIGHT": height, "WIDTH": width, "CHANNELS": channels, "SIDE": side, "MASKED": mask is not None,
            "RELU": relu, "SUM": _sum_of(values), "ROWS": WINDOWS, "COLUMNS": COLUMNS,
        }  # fmt: skip
        grid = triton.cdiv(windows, WINDOWS), lanes, triton.cdiv(channels, COLUMNS)
        kernels.normalise_and_pool[grid](
            values, scale, shift, values if mask is None else mask, out, windows, **settings
        )
        ctx.save_for_backward(values, scale, shift, mean, rate, *([] if mask is None else [mask]))
        ctx.settings = settings
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Of values, weight and bias; that of the values takes in how the statistics depend on them."""
        (values, scale, shift, mean, rate, *masks), settings = ctx.saved_tensors, ctx.settings
        lanes, batch, height, width, channels = values.shape
        side, count = settings["SIDE"], batch * height * width
        windows = batch * triton.cdiv(height, side) * triton.cdiv(width, side)
        grid = triton.cdiv(windows, WINDOWS), lanes, triton.cdiv(channels, COLUMNS)
        own_sums, products = (scale.new_empty((lanes, grid[0], channels)) for _ in range(2))
        found, gradient = torch.empty_like(values), gradients[0].contiguous()

        def run(means: Tensor, *, write: bool) -> None:
            kernels.pooled_gradient[grid](
                values, scale, shift, masks[0] if masks else values, gradient, mean, rate, own_sums, products,
                means, found, windows, **settings, WRITE=write,
            )  # fmt: skip

        run(scale, write=False)
        of_bias, of_weight = own_sums.sum(1), products.sum(1)  # (lanes, channels)
        run(torch.stack([of_bias, of_weight], dim=2) / count, write=True)
        return found, None, None, of_weight, of_bias, None, None, None, None


def block_maps(block: Block, own: Mapping[str, Weights], values: Tensor, this: Pass) -> Tensor:
    """Maps of maps (lanes, batch, height, width, channels), given the weights by layer."""
    weights, normalisation = own[block.names[0]], own[block.names[1]]
    if isinstance(block.convolution.padding, tuple) and any(block.convolution.padding):
        down, right = block.convolution.padding
        values = functional.pad(values, (0, 0, right, right, down, down))
    shape = Geometry.of(values, block.convolution)
    matrix = weights["weight"].permute(0, 3, 4, 2, 1).flatten(1, 3).to(this.dtype)
    bias = weights["bias"] if "bias" in weights else matrix.new_zeros((shape.lanes, shape.out))
    out, mean, variance = Convolution.apply(values.to(this.dtype), matrix, bias.to(this.dtype), shape)
    if this.training:
        move_statistics(block.normalisation, normalisation, mean=mean, variance=variance, count=shape.rows)
    else:
        mean, variance = normalisation["running_mean"], normalisation["running_var"]
    mask = next(this.masks).flatten(2).contiguous() if block.masked and this.training else None
    found: Tensor = NormalisedMaximum.apply(
        out, mean, variance, normalisation["weight"], normalisation["bias"], mask, block.maximum.kernel_size,
        block.relu, block.normalisation.eps,
    )  # fmt: skip
    return found


def fused_features(
    extractor: nn.Sequential,
    stamps: Tensor,
    weights: Mapping[str, Tensor],
    masks: Sequence[Tensor],
    *,
    training: bool,
    dtype: torch.dtype,
) -> Tensor:
    """As `stacked_features`, on a GPU."""
    this, values, own = Pass(training, dtype, iter(masks)), stamps, by_layer(weights)
    for part in parts(extractor):
        if isinstance(part, Block):
            values = block_maps(part, own, values, this)
        else:
            name, layer = part
            values = LAYERS[type(layer)](layer, own[name], values, this)
    return values.to(stamps.dtype)
