"""The networks of Bolivar (2022), section 5.3: extractor, linear head, prototype head, gradient reversal."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CONV_CHANNELS = (64, 50)
KERNEL_PIXELS = 5
FEATURES = 100
CLASSES = 2  # bogus, real: the index is the label


def feature_extractor(size_pixels: int) -> nn.Sequential:
    """Two convolutions and two dense layers: stamps (batch, 3, size, size) to features (batch, 100).

    Parameters
    ----------
    size_pixels
        Side of the stamps; 21 in the published study, where the feature maps go 21-17-8-4-2.
    """
    first, second = CONV_CHANNELS
    side = ((size_pixels - KERNEL_PIXELS + 1) // 2 - KERNEL_PIXELS + 1) // 2
    return nn.Sequential(
        nn.Conv2d(3, first, KERNEL_PIXELS),
        nn.BatchNorm2d(first),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(first, second, KERNEL_PIXELS),
        nn.BatchNorm2d(second),
        nn.Dropout2d(0.5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(second * side**2, FEATURES),
        nn.BatchNorm1d(FEATURES),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(FEATURES, FEATURES),
        nn.BatchNorm1d(FEATURES),
        nn.ReLU(),
    )


class PrototypeHead(nn.Module):
    """Cosine similarity of the features to one prototype per class, divided by a temperature.

    Only the features are normalised, as in Saito et al. (2019), whose rows of the weight are the
    prototypes.

    Parameters
    ----------
    temperature
        Divides the logits: small values make the softmax sharp.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.prototypes = nn.Linear(FEATURES, CLASSES, bias=False)
        self.temperature = temperature

    def forward(self, features: Tensor) -> Tensor:
        """Logits (batch, 2) of features (batch, 100)."""
        return self.prototypes(functional.normalize(features)) / self.temperature


class Classifier(nn.Module):
    """An extractor and a head: stamps (batch, 3, size, size) to logits (batch, 2) of bogus and real."""

    def __init__(self, extractor: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.extractor = extractor
        self.head = head

    def forward(self, stamps: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        return self.head(self.extractor(stamps))


def build_classifier(*, head: str, size_pixels: int, temperature: float | None) -> Classifier:
    """Classifier with random weights from torch's current random state.

    Parameters
    ----------
    head
        ``"linear"`` or ``"prototype"``.
    size_pixels
        Side of the stamps.
    temperature
        Of the prototype head; None for the linear head.
    """
    extractor = feature_extractor(size_pixels)
    if head == "linear":
        return Classifier(extractor, nn.Linear(FEATURES, CLASSES))
    if head == "prototype" and temperature is not None:
        return Classifier(extractor, PrototypeHead(temperature))
    raise ValueError(f"no head '{head}' with temperature {temperature}; heads: linear, prototype")


def place(classifier: Classifier, device: torch.device) -> Classifier:
    """Move a classifier to a device, in place, in the channels_last layout that is fast on a CPU."""
    classifier.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return classifier


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:  # noqa: ARG004
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        return gradients[0].neg()


def reverse_gradient(features: Tensor) -> Tensor:
    """Identity forward, minus the gradient backward (Ganin & Lempitsky 2015)."""
    return _GradientReversal.apply(features)
