"""Blocks of layers that have one form together: a convolution and what follows it up to the next.

A block is a convolution, batch normalisation, perhaps dropout of whole channels, a maximum, perhaps a ReLU.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Block:
    """Layers that are computed together."""

    names: tuple[str, ...]  # of all of them, in the extractor
    convolution: nn.Conv2d
    normalisation: nn.BatchNorm2d
    maximum: nn.MaxPool2d
    masked: bool
    relu: bool

    @classmethod
    def at_beginning(cls, layers: Sequence[tuple[str, nn.Module]]) -> "Block | None":
        """The block that some layers, with their names, begin with, if they do."""
        of_block = [layer for _, layer in layers[:2]]
        masked = any(isinstance(layer, nn.Dropout2d) for _, layer in layers[2:3])
        of_block += [layer for _, layer in layers[2 + masked : 4 + masked]]
        match of_block:
            case [
                nn.Conv2d() as convolution,
                nn.BatchNorm2d() as normalisation,
                nn.MaxPool2d() as maximum,
                *rest,
            ]:
                relu = bool(rest) and isinstance(rest[0], nn.ReLU)
                names = tuple(name for name, _ in layers[: 3 + masked + relu])
                return cls(names, convolution, normalisation, maximum, masked, relu)
        return None


def parts(extractor: nn.Sequential) -> Iterator[Block | tuple[str, nn.Module]]:
    """Blocks, and the layers between them with their names."""
    layers = list(extractor.named_children())
    while layers:
        block = Block.at_beginning(layers)
        yield block or layers[0]
        layers = layers[len(block.names) if block else 1 :]


def of_blocks(extractor: nn.Sequential) -> bool:
    """Whether every convolution of an extractor, at least one, is one of a block."""
    blocks = sum(isinstance(part, Block) for part in parts(extractor))
    return 0 < blocks == sum(isinstance(layer, nn.Conv2d) for layer in extractor)
