"""Adaptive batch normalisation (AdaBN, Li et al. 2016): the target's statistics in the source's baseline.

No weight is trained. Every layer of batch normalisation gets the mean and the variance that its input has
over all unlabelled stamps of the target, layer after layer: those of a layer are measured behind layers that
already have the target's. Dropout is off, as where the classifier is used; the baseline's own statistics are
of batches with dropout, so that even on its own survey the two differ somewhat.

"Revisiting Batch Normalization For Practical Domain Adaptation", Li et al. (2016), algorithm 1, whose
variance is that of a population. Its online estimate is here a sum in double precision, over any number of
stamps.
"""

from typing import Any

import torch
from torch import Tensor, nn

from stampshift.methods.method import Method, Options, UnlabelledStamps, copy_weights
from stampshift.networks.classifier import Classifier


def take_statistics(classifier: Classifier, unlabelled: UnlabelledStamps) -> None:
    """Give every batch normalisation of an extractor the mean and variance of its input, in place.

    The layers come in the order in which the extractor registers its modules, which is that of their calls.
    """
    classifier.eval()
    layers = [m for m in classifier.extractor.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for layer in layers:
        mean, variance = _moments_of_input(classifier.extractor, layer, unlabelled)
        for statistic, value in ((layer.running_mean, mean), (layer.running_var, variance)):
            if statistic is None:
                raise ValueError(f"{layer} keeps no statistics that could be the target's")
            statistic.copy_(value)


@torch.no_grad()
def _moments_of_input(
    extractor: nn.Module, layer: nn.Module, unlabelled: UnlabelledStamps
) -> tuple[Tensor, Tensor]:
    """Mean and variance of every channel (channels,) of a layer's input, float64."""
    count, sums = 0, torch.zeros(())

    def add(module: nn.Module, arguments: tuple[Any, ...]) -> None:  # noqa: ARG001
        nonlocal count, sums
        values = arguments[0].double().transpose(0, 1).flatten(1)  # (channels, stamps x pixels)
        count += values.shape[1]
        sums = sums + torch.stack([values.sum(1), values.square().sum(1)])

    hook = layer.register_forward_pre_hook(add)
    try:
        for stamps in unlabelled():
            sums = sums.to(stamps.device)
            extractor(stamps)
    finally:
        hook.remove()
    mean, square = sums / count
    return mean, (square - mean.square()).clamp(min=0)


def build(options: Options) -> Method:  # noqa: ARG001
    """Adaptive batch normalisation; it has no options."""
    return Method(
        name="adabn",
        labelled=("source",),
        validation="source",
        uses_unlabelled=True,
        initialise=copy_weights,
        losses=(),
        without_training=take_statistics,
    )
