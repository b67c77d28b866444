"""Domain-adversarial training (DANN, Ganin et al. 2016): features that do not tell the surveys apart.

A third part of the classifier, the domain classifier, learns to tell the labelled stamps, which are the
source's, from the unlabelled ones, the target's. Behind a gradient reversal layer the extractor learns the
opposite: it descends ``CE(labelled) - weight * L_d`` while the domain classifier descends ``L_d`` itself,
whose step the weight does not scale, as in the paper's experiments. ``L_d`` is the sum of the mean
cross-entropies of both batches.

The domain classifier is that of the paper's network for digits: one hidden layer of 100 units and one logit.
The paper lets the weight grow from 0 to 1 with the share of the training that is done; here early stopping
ends a training, that share is not known, and the weight is one number throughout.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from stampshift.methods.method import Batch, Method, Options, both_of, copy_weights
from stampshift.networks.classifier import Classifier, reverse_gradient, scale_gradient

DOMAIN = "domain"
HIDDEN = 100


def domain_classifier(n_features: int) -> nn.Sequential:
    """Features (batch, n_features) to a logit (batch, 1) that a stamp is the target's."""
    return nn.Sequential(nn.Linear(n_features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))


def _adversarial(classifier: Classifier, batch: Batch, options: Options) -> Tensor:
    features, count = classifier.extractor(both_of(batch)), len(batch.labels)
    supervised = functional.cross_entropy(classifier.head(features)[:count], batch.labels)
    reversed_features = reverse_gradient(scale_gradient(features, options["weight"]))
    of_source, of_target = classifier.parts[DOMAIN](reversed_features).tensor_split([count])  # (batch, 1)
    return (
        supervised
        + functional.binary_cross_entropy_with_logits(of_source, torch.zeros_like(of_source))
        + functional.binary_cross_entropy_with_logits(of_target, torch.ones_like(of_target))
    )


def build(options: Options) -> Method:  # noqa: ARG001
    """Domain-adversarial training; its loss reads the ``weight``."""
    return Method(
        name="dann",
        labelled=("source",),
        validation="source",
        uses_unlabelled=True,
        initialise=copy_weights,
        losses=(_adversarial,),
        parts=((DOMAIN, domain_classifier),),
    )
