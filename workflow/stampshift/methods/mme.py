"""Minimax entropy (Saito et al. 2019), in one step per iteration (Bolivar 2022, section 6).

The head moves its prototypes towards the unlabelled target stamps by maximising the entropy of their
predictions; the extractor then clusters the target's features around the prototypes by minimising it.
With a gradient reversal layer between the two, one loss, ``CE(labelled) - lambda H(unlabelled)``, does
both: the head descends ``CE - lambda H`` and the extractor ``CE + lambda H``. Equation 1 of
Cabrera-Vives et al. (2023) prints a plus sign, which with the reversal would do the opposite of its text.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional

from stampshift.methods.method import Batch, Method, State, baseline_part
from stampshift.networks import Classifier, reverse_gradient


def _copy_extractor(classifier: Classifier, baseline: State | None) -> None:
    """Start from the baseline's extractor; the prototypes stay random."""
    classifier.extractor.load_state_dict(baseline_part(baseline, "extractor"))


def mean_entropy(logits: Tensor) -> Tensor:
    """Mean Shannon entropy, in nats, of the softmax of logits (batch, 2)."""
    log_probabilities = functional.log_softmax(logits, dim=1)
    return -(log_probabilities.exp() * log_probabilities).sum(dim=1).mean()


def _loss(classifier: Classifier, batch: Batch, options: Mapping[str, Any]) -> Tensor:
    if batch.unlabelled is None:
        raise ValueError("minimax entropy needs an unlabelled batch")
    cross_entropy = functional.cross_entropy(classifier(batch.stamps), batch.labels)
    features = classifier.extractor(batch.unlabelled)  # (batch, 100); batch statistics of its own
    entropy = mean_entropy(classifier.head(reverse_gradient(features)))
    return cross_entropy - options["entropy_weight"] * entropy


METHOD = Method(
    name="mme",
    labelled=("source", "target"),
    validation="target",
    uses_unlabelled=True,
    head="prototype",
    initialise=_copy_extractor,
    loss=_loss,
)
