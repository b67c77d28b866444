"""What every network is: an extractor and a head. With the gradient reversal that may be between them."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 2  # bogus, real: the index is the label


class Classifier(nn.Module):
    """An extractor and a head: stamps (batch, 3, size, size) to logits (batch, 2) of bogus and real.

    A method of training may add parts, by name, with weights of their own, which its loss calls on features.
    They train with the classifier, its logits do not depend on them, and a model file leaves them out.
    """

    def __init__(
        self, extractor: nn.Module, head: nn.Module, parts: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__()
        self.extractor = extractor
        self.head = head
        self.parts = nn.ModuleDict(parts or {})

    @property
    def n_features(self) -> int:
        """Number of features of a stamp: every head has it as `torch.nn.Linear` does."""
        return cast(int, self.head.in_features)

    def forward(self, stamps: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        return self.head(self.extractor(stamps))


class PrototypeHead(nn.Module):
    """Cosine similarity of the features to one prototype per class, divided by a temperature.

    Only the features are normalised, as in Saito et al. (2019), whose rows of the weight are the
    prototypes. A small temperature makes the softmax sharp.
    """

    def __init__(self, n_features: int, temperature: float) -> None:
        super().__init__()
        self.in_features = n_features
        self.prototypes = nn.Linear(n_features, CLASSES, bias=False)
        self.temperature = temperature

    def forward(self, features: Tensor) -> Tensor:
        """Logits (batch, 2) of features (batch, n_features)."""
        return self.prototypes(functional.normalize(features)) / self.temperature


def linear_head(n_features: int) -> nn.Module:
    """Features (batch, n_features) to logits (batch, 2)."""
    return nn.Linear(n_features, CLASSES)


def build_head(
    head: str,
    *,
    n_features: int,
    temperature: float | None,
    linear: Callable[[int], nn.Module] = linear_head,
) -> nn.Module:
    """Head of a name, as `stampshift.networks.build_classifier` knows them; `linear` is the network's own."""
    if head == "linear" and temperature is None:
        return linear(n_features)
    if head == "prototype" and temperature is not None:
        return PrototypeHead(n_features, temperature)
    raise ValueError(f"no head '{head}' with temperature {temperature}; heads: linear, prototype")


def place(classifier: Classifier, device: torch.device) -> Classifier:
    """Move a classifier to a device, in place, in the channels_last layout that is fast on a CPU."""
    classifier.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return classifier


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(features: Tensor) -> Tensor:
        return features.view_as(features)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing to keep."""

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        return gradients[0].neg()

    @staticmethod
    def vmap(info: Any, in_dims: Any, features: Tensor) -> tuple[Tensor, Any]:  # noqa: ARG004
        """Of several models at once: each its own."""
        return reverse_gradient(features), in_dims[0]


def reverse_gradient(features: Tensor) -> Tensor:
    """Identity forward, minus the gradient backward (Ganin & Lempitsky 2015)."""
    return _GradientReversal.apply(features)


def scale_gradient(features: Tensor, factor: float | Tensor) -> Tensor:
    """Identity forward, the gradient times a factor backward."""
    fixed = features.detach()
    return fixed + factor * (features - fixed)
