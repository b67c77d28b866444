"""The layers of the network of Bolivar (2022), with their outputs and parameters."""

import pandas as pd
import torch
from torch import nn

from stampshift.networks.bolivar import PrototypeHead, build
from stampshift.networks.classifier import Classifier

HEADS = {"linear": "baseline and fine-tuning", "prototype": "MME"}


def network_layers(*, size_pixels: int) -> pd.DataFrame:
    """Every layer and both heads (thesis, section 5.3): ``part``, ``layer``, ``output``, ``parameters``.

    ``output`` is the shape for one stamp of `size_pixels` on a side; ``parameters`` counts trainable ones.
    """
    classifiers = {head: build(head=head, size_pixels=size_pixels, temperature=1.0) for head in HEADS}
    rows, features = _extractor_rows(classifiers["linear"], size_pixels=size_pixels)
    for head, classifier in classifiers.items():
        logits = classifier.head(features)
        rows.append(_row("head", f"{_layer(classifier.head)} ({HEADS[head]})", logits, classifier.head))
    for head, classifier in classifiers.items():
        total = _parameters(classifier)
        rows.append({"part": "in all", "layer": HEADS[head], "output": "", "parameters": total})
    return pd.DataFrame(rows)


def _extractor_rows(
    classifier: Classifier, *, size_pixels: int
) -> tuple[list[dict[str, object]], torch.Tensor]:
    """Rows of the extractor's layers, and the features of an empty stamp."""
    output = torch.zeros(1, 3, size_pixels, size_pixels)
    extractor = classifier.extractor.eval()
    assert isinstance(extractor, nn.Sequential)
    rows = []
    for layer in extractor:
        output = layer(output)
        rows.append(_row("extractor", _layer(layer), output, layer))
    return rows, output


def _row(part: str, layer: str, output: torch.Tensor, module: nn.Module) -> dict[str, object]:
    shape = " x ".join(map(str, output.shape[1:]))
    return {"part": part, "layer": layer, "output": shape, "parameters": _parameters(module)}


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


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
        case _:
            return type(module).__name__
