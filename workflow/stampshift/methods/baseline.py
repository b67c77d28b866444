"""Baseline: train on the source alone, from random weights (Bolivar 2022, section 6)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional

from stampshift.methods.method import Batch, Method, State
from stampshift.networks import Classifier


def _keep_random_weights(classifier: Classifier, baseline: State | None) -> None:
    """Start from the random weights as they are."""


def _loss(classifier: Classifier, batch: Batch, options: Mapping[str, Any]) -> Tensor:  # noqa: ARG001
    return functional.cross_entropy(classifier(batch.stamps), batch.labels)


METHOD = Method(
    name="baseline",
    labelled=("source",),
    validation="source",
    uses_unlabelled=False,
    head="linear",
    initialise=_keep_random_weights,
    loss=_loss,
)
