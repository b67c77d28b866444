"""The extractor of a stack as it was first: a grouped convolution for all lanes, channels before pixels."""

from collections import defaultdict

import torch
from torch import nn
from torch.nn import functional


def grouped_features(extractor, stamps, weights, masks, *, training, dtype):  # noqa: ARG001
    """As `stampshift.training.stacked.extractor.stacked_features`; float32 whatever the `dtype`."""
    by_layer = defaultdict(dict)
    for name, value in weights.items():
        number, own_name = name.split(".")
        by_layer[number][own_name] = value
    lanes, remaining, values = len(stamps), iter(masks), folded(stamps)
    for number, layer in extractor.named_children():
        if isinstance(layer, nn.Dropout | nn.Dropout2d):
            values = values * folded(next(remaining)) if training else values
        else:
            values = of_layer(layer, by_layer[number], values, lanes, training)
    return values.unflatten(1, (lanes, -1)).transpose(0, 1)


def folded(values):
    """Of values (lanes, batch, ..., channels), (batch, lanes x channels, ...)."""
    return values.movedim(-1, 2).transpose(0, 1).flatten(1, 2)


def of_layer(layer, own, values, lanes, training):
    if isinstance(layer, nn.Conv2d):
        weight, bias = own["weight"].flatten(0, 1), own["bias"].flatten()
        return functional.conv2d(values, weight, bias, layer.stride, layer.padding, groups=lanes)
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        statistics = (own["running_mean"].view(-1), own["running_var"].view(-1))
        affine = (own["weight"].flatten(), own["bias"].flatten())
        return functional.batch_norm(
            values, *statistics, *affine, training=training, momentum=layer.momentum, eps=layer.eps
        )
    if isinstance(layer, nn.Linear):
        features = values.unflatten(1, (lanes, -1)).transpose(0, 1)
        product = torch.baddbmm(own["bias"].unsqueeze(1), features, own["weight"].transpose(1, 2))
        return product.transpose(0, 1).flatten(1)
    return layer(values)
