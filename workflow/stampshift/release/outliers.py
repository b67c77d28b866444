"""How like the training stamps a stamp is: similarity to a prototype, and distance for the flag.

Similarity is the largest cosine of the extractor's features with one of two class prototypes: the means, made
unit vectors, of the unit features of the training stamps that the model calls bogus and real. The rows of a
prototype head are not used: they are directions that *separate* the classes, and a linear head has none.

The last features of a two-class classifier have lost all that does not separate the two classes: noise
looks like any other bogus stamp, and similarity is a poor detector (figures: `benchmarks/README.md`). The
flag therefore uses the Mahalanobis distance to the nearer of two Gaussians, one per class with one
covariance (Lee et al. 2018), of the mean activation of every map of the convolutional layers.

No label is read: the class is the model's call, so that stamps of a survey with almost no labels count too.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from stampshift.core.errors import ContractError
from stampshift.networks.classifier import Classifier
from stampshift.networks.residual import Residual
from stampshift.stamps.file import LABEL_NAMES

RIDGE = 1e-3  # of the mean variance, added to each: maps that never vary have a finite distance
SMALLEST_NORM = 1e-12


class Layers(NamedTuple):
    """What a classifier makes of n stamps, float32."""

    logits: Tensor  # (n, 2), of bogus and real
    features: Tensor  # (n, F), the extractor's output
    activations: Tensor  # (n, A), mean over the pixels of every map of its convolutional layers


class Exposed(nn.Module):
    """A classifier, its extractor a sequence of layers, that also gives the activations before its logits."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.layers = classifier.extractor
        self.head = classifier.head

    def forward(self, stamps: Tensor) -> Layers:
        """Layers of stamps (batch, 3, size, size)."""
        values, means = stamps, []
        for layer in self.layers.children():
            values = layer(values)
            if isinstance(layer, nn.ReLU | Residual) and values.ndim == 4:
                means.append(values.mean(dim=(2, 3)))
        return Layers(self.head(values), values, torch.cat(means, dim=1))


class Outliers(nn.Module):
    """What training stamps look like to a network."""

    prototypes: Tensor  # (2, F), unit vectors by class
    whitening: Tensor  # (A, A): multiplied by it, activations have unit covariance around their class' mean
    centres: Tensor  # (2, A), whitened means of the activations, by class

    def __init__(self, prototypes: Tensor, means: Tensor, whitening: Tensor) -> None:
        super().__init__()
        self.register_buffer("prototypes", prototypes.float())
        self.register_buffer("whitening", whitening.float())
        self.register_buffer("centres", (means @ whitening).float())

    @classmethod
    def fit(cls, layers: Layers) -> Self:
        """Prototypes, means and covariance of training stamps.

        Raises
        ------
        ContractError
            If the model calls them all real, or all bogus.
        """
        calls = layers.logits.argmax(dim=1)
        for code, name in LABEL_NAMES.items():
            if not (calls == code).any():
                raise ContractError(
                    f"the model calls none of the {len(calls)} training stamps {name}; such a model cannot "
                    "be released. Look at its metrics.json, and train it again."
                )
        classes = sorted(LABEL_NAMES)
        activations, units = layers.activations.double(), _units(layers.features.double())
        means = torch.stack([activations[calls == code].mean(dim=0) for code in classes])
        centred = activations - means[calls]
        covariance = centred.T @ centred / len(centred)
        covariance += RIDGE * covariance.diagonal().mean() * torch.eye(len(covariance))
        return cls(
            prototypes=_units(torch.stack([units[calls == code].mean(dim=0) for code in classes])),
            means=means,
            whitening=torch.linalg.cholesky(torch.linalg.inv(covariance)),
        )

    def forward(self, features: Tensor, activations: Tensor) -> tuple[Tensor, Tensor]:
        """Similarity (batch,), 0 for features that are all 0, and distance (batch,)."""
        similarity = (_units(features) @ self.prototypes.T).amax(dim=1)
        apart = (activations @ self.whitening).unsqueeze(1) - self.centres  # (batch, 2, A)
        return similarity, apart.square().sum(dim=2).amin(dim=1).sqrt()


def _units(rows: Tensor) -> Tensor:
    return functional.normalize(rows, dim=1, eps=SMALLEST_NORM)
