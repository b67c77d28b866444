"""Rotations and flips of stamps: the eight symmetries of the square.

A real stays a real, whichever way it is looked at, and so does a bogus. No pixel is interpolated, and the
three images of a stamp are turned alike.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

SYMMETRIES = 8  # number modulo 4, quarter turns; from 4 on of the mirrored stamp; 0 leaves it as it is


def turned_batches(
    batches: Iterator[Tensor], *, count: int, size: int, generator: np.random.Generator
) -> Iterator[Tensor]:
    """Turn every stamp of `count` batches (size, 3, side, side) by a symmetry drawn for it."""
    drawn = torch.from_numpy(generator.integers(SYMMETRIES, size=(count, size)))
    return (turned(batch, own.to(batch.device)) for batch, own in zip(batches, drawn, strict=True))


def turned(stamps: Tensor, symmetries: Tensor) -> Tensor:
    """Stamps (batch, 3, side, side), each by its symmetry (batch,), in the layout of training batches."""
    side = stamps.shape[-1]
    pixels = torch.arange(side**2, device=stamps.device).view(side, side)
    grids = [torch.rot90(start, turns) for start in (pixels, pixels.flip(1)) for turns in range(4)]
    sources = torch.stack(grids).flatten(1)[symmetries]  # (batch, pixels): where each pixel comes from
    images = stamps.flatten(2)  # (batch, 3, pixels)
    moved = images.gather(2, sources.unsqueeze(1).expand_as(images)).view(stamps.shape)
    return moved.contiguous(memory_format=torch.channels_last)
