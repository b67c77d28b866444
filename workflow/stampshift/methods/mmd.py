"""Maximum mean discrepancy of the features (deep adaptation network, DAN; Long et al. 2015).

The loss is ``CE(labelled) + weight * MMD^2``: the squared distance of the two batches' mean embeddings, in
the biased estimate (the mean over all pairs, a stamp with itself included), for the mean of five Gaussian
kernels ``exp(-||x - y||^2 / (factor * g))``. Their bandwidths are `BANDWIDTHS` times g, the mean squared
distance of two different stamps of both batches together, through which no gradient passes: those of the code
that the authors published. The paper itself spreads 33 bandwidths from 2^-8 to 2^8 around the median, learns
their weights, and aligns three dense layers; here the kernels weigh the same, and the extractor's features
are aligned.
"""

import torch
from torch import Tensor
from torch.nn import functional

from stampshift.methods.method import Batch, Method, Options, both_of, copy_weights
from stampshift.networks.classifier import Classifier

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)  # in units of the mean squared distance


def squared_discrepancy(source: Tensor, target: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of features (n, d) and (m, d): a scalar between 0 and 2."""
    both, count = torch.cat([source, target]), len(source)
    norms = both.square().sum(dim=1)
    distances = (norms[:, None] + norms[None, :] - 2 * both @ both.T).clamp(min=0)  # squared, (n + m, n + m)
    mean = (distances.sum() / (len(both) * (len(both) - 1))).detach()
    kernel = torch.stack([(-distances / (factor * mean)).exp() for factor in BANDWIDTHS]).mean(dim=0)
    within = kernel[:count, :count].mean() + kernel[count:, count:].mean()
    return within - 2 * kernel[:count, count:].mean()


def _mmd(classifier: Classifier, batch: Batch, options: Options) -> Tensor:
    features, count = classifier.extractor(both_of(batch)), len(batch.labels)
    supervised = functional.cross_entropy(classifier.head(features)[:count], batch.labels)
    return supervised + options["weight"] * squared_discrepancy(features[:count], features[count:])


def build(options: Options) -> Method:  # noqa: ARG001
    """Maximum mean discrepancy; its loss reads the ``weight``."""
    return Method(
        name="mmd",
        labelled=("source",),
        validation="source",
        uses_unlabelled=True,
        initialise=copy_weights,
        losses=(_mmd,),
    )
