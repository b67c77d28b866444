"""Deep CORAL (Sun & Saenko 2016): the features of both surveys are made to have the same covariance.

The loss is ``CE(labelled) + weight * ||C_S - C_T||^2 / (4 d^2)``: the squared Frobenius norm of the
difference of the two batches' covariances (n - 1 in the denominator), for d features. The paper takes the
outputs of the last layer; of two classes they are two numbers, and here the features are aligned on which the
head decides.

Its option ``weight`` is to make the two terms about equal at the end of a training, as the paper chooses it.
"""

from torch import Tensor
from torch.nn import functional

from stampshift.methods.method import Batch, Method, Options, both_of, copy_weights
from stampshift.networks.classifier import Classifier


def coral_distance(source: Tensor, target: Tensor) -> Tensor:
    """Distance of the covariances of features (batch, d) and (other batch, d): a scalar."""
    difference = _covariance(source) - _covariance(target)
    return difference.square().sum() / (4 * source.shape[1] ** 2)


def _covariance(features: Tensor) -> Tensor:
    """Covariance (d, d): `torch.cov` reads a number back, which a CUDA graph of a step cannot."""
    centred = features - features.mean(dim=0)
    return centred.T @ centred / (len(features) - 1)


def _coral(classifier: Classifier, batch: Batch, options: Options) -> Tensor:
    features, count = classifier.extractor(both_of(batch)), len(batch.labels)
    supervised = functional.cross_entropy(classifier.head(features)[:count], batch.labels)
    return supervised + options["weight"] * coral_distance(features[:count], features[count:])


def build(options: Options) -> Method:  # noqa: ARG001
    """Deep CORAL; its loss reads the ``weight``."""
    return Method(
        name="coral",
        labelled=("source",),
        validation="source",
        uses_unlabelled=True,
        initialise=copy_weights,
        losses=(_coral,),
    )
