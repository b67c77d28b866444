"""The layers of a network, with their outputs and parameters; what a network costs."""

from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from stampshift.networks import build_classifier
from stampshift.networks.ayyar import LogitHead
from stampshift.networks.classifier import PrototypeHead
from stampshift.networks.residual import Residual

HEADS = {"linear": "baseline and fine-tuning", "prototype": "MME"}


def network_layers(network: str, *, size_pixels: int) -> pd.DataFrame:
    """Every layer and both heads: ``part``, ``layer``, ``output``, ``parameters``.

    ``output`` is the shape for one stamp of `size_pixels` on a side; ``parameters`` counts trainable ones.
    """
    temperatures = {"linear": None, "prototype": 1.0}
    classifiers = {
        head: build_classifier(network=network, head=head, size_pixels=size_pixels, temperature=temperature)
        for head, temperature in temperatures.items()
    }
    rows, output = [], torch.zeros(1, 3, size_pixels, size_pixels)
    for layer in classifiers["linear"].extractor.eval().children():
        output = layer(output)
        rows.append(_row("extractor", _layer(layer), layer, output))
    for head, classifier in classifiers.items():
        layer = classifier.head
        rows.append(_row("head", f"{_layer(layer)} ({HEADS[head]})", layer, layer(output)))
    rows += [_row("in all", HEADS[head], classifier, None) for head, classifier in classifiers.items()]
    return pd.DataFrame(rows)


def flop_per_stamp(network: str, *, size_pixels: int) -> int:
    """Floating-point operations of a score of one stamp, with a linear head.

    Additions and multiplications of convolutions and dense layers count, one each; other layers are left out.
    """
    with torch.device("meta"):  # neither memory nor random numbers
        form: dict[str, Any] = {"network": network, "head": "linear", "temperature": None}
        classifier, stamp = (
            build_classifier(**form, size_pixels=size_pixels).eval(),
            torch.empty(1, 3, size_pixels, size_pixels),
        )
    with FlopCounterMode(display=False) as counter:
        classifier(stamp)
    return int(counter.get_total_flops())


def _row(part: str, layer: str, module: nn.Module, output: torch.Tensor | None) -> dict[str, object]:
    shape = "" if output is None else " x ".join(map(str, output.shape[1:]))
    parameters = sum(values.numel() for values in module.parameters() if values.requires_grad)
    return {"part": part, "layer": layer, "output": shape, "parameters": parameters}


def _layer(module: nn.Module) -> str:
    """Name of a layer with what sets it apart."""
    match module:
        case nn.Conv2d():
            return f"convolution {module.kernel_size[0]} x {module.kernel_size[1]}"
        case nn.BatchNorm2d() | nn.BatchNorm1d():
            return "batch normalisation"
        case nn.MaxPool2d():
            return f"maximum of {module.kernel_size} x {module.kernel_size}"
        case nn.Dropout2d():
            return f"dropout of channels {module.p:g}"
        case nn.Dropout():
            return f"dropout {module.p:g}"
        case nn.Linear():
            return "linear"
        case PrototypeHead():
            return "cosine similarity to prototypes"
        case LogitHead():
            return "linear, one logit"
        case Residual():
            return "residual block"
        case nn.AdaptiveAvgPool2d():
            return "mean of every map"
        case nn.ZeroPad2d():
            return "zeros right and below"
        case _:
            return type(module).__name__
