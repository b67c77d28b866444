"""Minimax entropy (Saito et al. 2019), by default in one step per iteration.

The head moves its prototypes towards the unlabelled target stamps by maximising the entropy of their
predictions; the extractor then clusters the target's features around the prototypes by minimising it.
With a gradient reversal layer between the two, one loss, ``CE(labelled) - lambda H(unlabelled)``, does
both: the head descends ``CE - lambda H`` and the extractor ``CE + lambda H``. Equation 1 of
Cabrera-Vives et al. (2023) prints a plus sign, which with the reversal would do the opposite of its text.

Options beside lambda (``entropy_weight``) and the head's ``temperature``:

``labelled``
    Origins of the labelled batch. Without ``target`` no target label is trained on; the target's validation
    shots still choose the epoch. With 0 shots batch and validation are the source's: unsupervised
    adaptation, without any label of the target.
``head``
    ``random`` prototypes [Bolivar 2022], or ``copied`` from the baseline's linear head: its weight (2, 100),
    a row per class, as it is. Its bias (2,) has no place in this head and is left out; the scale of the
    logits changes from the features' norm to one over the temperature.
``steps``
    ``one``: a step on the whole loss, equation 1 of Cabrera-Vives et al. (2023). Bolivar (2022, 5.3.3) writes
    of "alternating supervised and unsupervised batches", which may also mean ``two``: as the code published
    with Saito et al. (2019) alternates, a step of extractor and head on the cross-entropy, then one on
    ``- lambda H`` with the reversal, at the weights that the first step left. That code has an optimiser for
    the extractor and one for the head, both of which take both steps; with the one learning rate of this
    study, momentum being kept weight by weight, they are one optimiser. Its lower rate for a pre-trained
    extractor, its Nesterov momentum and its weight decay are not taken over.
``epoch``
    What the configuration's ``epoch_size`` counts: labelled stamps of both surveys ``together``, or of
    ``each``, as "10,000 of each training set" may mean, in twice as many iterations.

With lambda = 0 no unlabelled batch is drawn, not even for the statistics of batch normalisation: that is
"S+T" of Saito et al. (2019), training on the labelled stamps of both surveys.
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from stampshift.methods.method import (
    Batch,
    Loss,
    Method,
    Options,
    State,
    baseline_part,
    cross_entropy,
    unlabelled_of,
)
from stampshift.networks.classifier import Classifier, reverse_gradient


def mean_entropy(logits: Tensor) -> Tensor:
    """Mean Shannon entropy, in nats, of the softmax of logits (batch, 2)."""
    log_probabilities = functional.log_softmax(logits, dim=1)
    return -(log_probabilities.exp() * log_probabilities).sum(dim=1).mean()


def _adversarial_entropy(classifier: Classifier, batch: Batch, options: Options) -> Tensor:
    """``- lambda H(unlabelled)``, which the head descends and the extractor, behind the reversal, ascends."""
    features = classifier.extractor(unlabelled_of(batch))  # (batch, 100); with its own batch statistics
    return -options["entropy_weight"] * mean_entropy(classifier.head(reverse_gradient(features)))


def _minimax(classifier: Classifier, batch: Batch, options: Options) -> Tensor:
    return cross_entropy(classifier, batch, options) + _adversarial_entropy(classifier, batch, options)


def _copy_extractor(classifier: Classifier, baseline: State | None) -> None:
    """Start from the baseline's extractor; the prototypes stay random."""
    classifier.extractor.load_state_dict(baseline_part(baseline, "extractor"))


def _copy_extractor_and_head(classifier: Classifier, baseline: State | None) -> None:
    """Start from the baseline's extractor, and from the weight of its head as prototypes."""
    _copy_extractor(classifier, baseline)
    classifier.head.load_state_dict({"prototypes.weight": baseline_part(baseline, "head")["weight"]})


INITIALISE: dict[str, Callable[[Classifier, State | None], None]] = {
    "random": _copy_extractor,
    "copied": _copy_extractor_and_head,
}
LOSSES: dict[str, tuple[Loss, ...]] = {"one": (_minimax,), "two": (cross_entropy, _adversarial_entropy)}


def build(options: Options) -> Method:
    """Minimax entropy with some options, a number as ``entropy_weight``."""
    with_entropy = options["entropy_weight"] > 0
    return Method(
        name="mme",
        labelled=tuple(options["labelled"]),
        validation="target",
        uses_unlabelled=with_entropy,
        head="prototype",
        initialise=INITIALISE[options["head"]],
        losses=LOSSES[options["steps"]] if with_entropy else (cross_entropy,),
        epoch_of_each=options["epoch"] == "each",
    )
