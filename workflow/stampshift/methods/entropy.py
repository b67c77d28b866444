"""Entropy minimisation (Grandvalet & Bengio 2004): the classifier becomes sure of the unlabelled stamps.

The loss is ``CE(labelled) + lambda * H(unlabelled)``, which extractor and head both descend: the boundary
between the classes moves to where few stamps of the target are. Minimax entropy (Saito et al. 2019) is this
with the sign turned in the head.

Its option is lambda, ``entropy_weight``.
"""

from torch import Tensor
from torch.nn import functional

from stampshift.methods.method import Batch, Method, Options, both_of, copy_weights
from stampshift.methods.mme import mean_entropy
from stampshift.networks.classifier import Classifier


def _entropy(classifier: Classifier, batch: Batch, options: Options) -> Tensor:
    logits, count = classifier(both_of(batch)), len(batch.labels)
    supervised = functional.cross_entropy(logits[:count], batch.labels)
    return supervised + options["entropy_weight"] * mean_entropy(logits[count:])


def build(options: Options) -> Method:  # noqa: ARG001
    """Entropy minimisation; its loss reads the ``entropy_weight``."""
    return Method(
        name="entropy",
        labelled=("source",),
        validation="source",
        uses_unlabelled=True,
        initialise=copy_weights,
        losses=(_entropy,),
    )
