"""Networks by name. A new one is a function that builds it, and a line here."""

from typing import Protocol

from stampshift.networks import ayyar, bolivar
from stampshift.networks.bolivar import FEATURES, PrototypeHead, feature_extractor
from stampshift.networks.classifier import CLASSES, Classifier, place, reverse_gradient

__all__ = [
    "CLASSES",
    "FEATURES",
    "MAIN_NETWORK",
    "NETWORKS",
    "Classifier",
    "PrototypeHead",
    "build_classifier",
    "feature_extractor",
    "network_module",
    "place",
    "reverse_gradient",
]


class Builder(Protocol):
    """Builds a network, with random weights from torch's current random state."""

    def __call__(self, *, head: str, size_pixels: int, temperature: float | None) -> Classifier:
        """Classifier for stamps of a size; `ValueError` for a head that the network does not have."""


NETWORKS: dict[str, Builder] = {
    "bolivar": bolivar.build,
    "network_1": ayyar.network_1,
    "network_2": ayyar.network_2,
    "network_3": ayyar.network_3,
    "network_4": ayyar.network_4,
}
MAIN_NETWORK = "bolivar"  # of the study across surveys


def build_classifier(*, network: str, head: str, size_pixels: int, temperature: float | None) -> Classifier:
    """Classifier with random weights from torch's current random state.

    Parameters
    ----------
    network
        Key of `NETWORKS`.
    head
        ``"linear"`` or, where the network has one, ``"prototype"``.
    size_pixels
        Side of the stamps.
    temperature
        Of the prototype head; None for the linear head.
    """
    return NETWORKS[network](head=head, size_pixels=size_pixels, temperature=temperature)


def network_module(network: str) -> str:
    """Module of a network, relative to the package: what a digest of its code must hold."""
    return str(NETWORKS[network].__module__).removeprefix("stampshift.")
