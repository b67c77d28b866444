"""Networks by name. A new one is a function that builds it, and a line here."""

from collections.abc import Callable

from stampshift.networks import ayyar, bolivar, residual
from stampshift.networks.classifier import Classifier

# each called as `build_classifier`, less the name; `ValueError` for a head that there is not
NETWORKS: dict[str, Callable[..., Classifier]] = {
    "bolivar": bolivar.build,
    "bolivar_as_listed": bolivar.as_listed,
    "network_1": ayyar.network_1,
    "network_2": ayyar.network_2,
    "network_3": ayyar.network_3,
    "network_4": ayyar.network_4,
    "residual": residual.build,
}


def build_classifier(*, network: str, head: str, size_pixels: int, temperature: float | None) -> Classifier:
    """Classifier with random weights from torch's current random state, for stamps `size_pixels` on a side.

    `head` is ``"linear"`` or ``"prototype"``, which alone has a `temperature`.
    """
    return NETWORKS[network](head=head, size_pixels=size_pixels, temperature=temperature)


def network_module(network: str) -> str:
    """Module of a network, relative to the package: what a digest of its code must hold."""
    return str(NETWORKS[network].__module__).removeprefix("stampshift.")
