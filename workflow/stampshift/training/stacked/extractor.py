"""An extractor of several models (lanes) at once, as a sequence of the forms of its layers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from stampshift.training.stacked.layers import LAYERS, Pass, has_form


def unstackable(extractor: nn.Module) -> str | None:
    """Name of what has no stacked form in an extractor; None if all of it has one."""
    if not isinstance(extractor, nn.Sequential):
        return type(extractor).__name__
    return next((repr(layer) for layer in extractor if not has_form(layer)), None)


def stacked_features(
    extractor: nn.Sequential,
    stamps: Tensor,
    weights: Mapping[str, Tensor],
    masks: Sequence[Tensor],
    *,
    training: bool,
    dtype: torch.dtype,
) -> Tensor:
    """Features (lanes, batch, features) of stamps (lanes, batch, size, size, 3), each lane's own.

    The extractor, one lane's, gives the structure, but neither weights nor the mode. Running statistics among
    the weights (lanes, ...) are moved in place in `training`. Masks are one for each of `masks.dropouts`.
    Products and the activations between them are of a `dtype`; the features are of that of the stamps.
    """
    this, values, own = Pass(training, dtype, iter(masks)), stamps, by_layer(weights)
    for number, layer in extractor.named_children():
        values = LAYERS[type(layer)](layer, own[number], values, this)
    return values.to(stamps.dtype)


def by_layer(weights: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Weights of an extractor by its layers' numbers, and by their own names."""
    found: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, value in weights.items():
        number, own_name = name.split(".")
        found[number][own_name] = value
    return found
