"""How like the training stamps a stamp is: similarity to a prototype, and distance for the flag.

Similarity is the largest cosine of the extractor's features with one of two class prototypes. The
prototypes are the means, made unit vectors, of the unit features of the training stamps that the model calls
bogus and real. The rows of a prototype head are not taken: they are directions that *separate* the classes,
no centres of what was seen, and a linear head has none. So the word means the same for either head.

The features that end a classifier of two classes have forgotten all that does not part these two: noise
looks like any other bogus stamp, and similarity is a poor detector (figures: `benchmarks/README.md`). The
flag therefore uses the distance of Mahalanobis to the nearer of two Gaussians, one per class with one
covariance (Lee et al. 2018), of the mean activation of every map of the convolutional layers.

No label is read: the class is the model's call. So stamps of a survey that has almost no labels count too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stampshift.errors import ContractError
from stampshift.files import atomic_path
from stampshift.release.network import Outputs
from stampshift.stamps import LABEL_NAMES

RIDGE = 1e-3  # of the mean variance, added to each: channels that never vary have a finite distance
SMALLEST_NORM = 1e-12
ROUNDING = 1e-9  # 0.01 x 300 is a little less than 3


@dataclass(frozen=True)
class Outliers:
    """What training stamps look like to the network.

    Attributes
    ----------
    prototypes
        float64 (2, F), unit vectors by class.
    means
        float64 (2, A), of the activations, by class.
    whitening
        float64 (A, A): multiplied by it, activations have unit covariance around their class' mean.
    """

    prototypes: NDArray[np.float64]
    means: NDArray[np.float64]
    whitening: NDArray[np.float64]

    @classmethod
    def fit(cls, outputs: Outputs) -> Self:
        """Prototypes, means and covariance of training stamps.

        Raises
        ------
        ContractError
            If the model calls them all real, or all bogus.
        """
        calls = outputs.logits.argmax(axis=1)
        for code, name in LABEL_NAMES.items():
            if not (calls == code).any():
                raise ContractError(
                    f"the model calls none of the {len(calls)} training stamps {name}; such a model cannot "
                    "be released. Look at its metrics.json, and train it again."
                )
        classes = sorted(LABEL_NAMES)
        activations = outputs.activations.astype(np.float64)
        units = _units(outputs.features)
        means = np.stack([activations[calls == code].mean(axis=0) for code in classes])
        centred = activations - means[calls]
        covariance = centred.T @ centred / len(centred)
        covariance += RIDGE * (np.trace(covariance) / len(covariance)) * np.eye(len(covariance))
        return cls(
            prototypes=_units(np.stack([units[calls == code].mean(axis=0) for code in classes])),
            means=means,
            whitening=np.linalg.cholesky(np.linalg.inv(covariance)),
        )

    def similarity(self, outputs: Outputs) -> NDArray[np.float32]:
        """Cosine (n,) of the features with the nearer prototype; 0 for features that are all 0."""
        similarity: NDArray[np.float64] = (_units(outputs.features) @ self.prototypes.T).max(axis=1)
        return similarity.astype(np.float32)

    def distance(self, outputs: Outputs) -> NDArray[np.float32]:
        """Mahalanobis distance (n,) of the activations to the nearer mean."""
        white = outputs.activations @ self.whitening  # (n, A)
        apart = white[:, np.newaxis] - self.means @ self.whitening  # (n, 2, A)
        return np.sqrt(np.einsum("nca,nca->nc", apart, apart).min(axis=1)).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the arrays; the same arrays give the same bytes."""
        with atomic_path(path) as temporary:
            np.savez(temporary, **vars(self))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(**{name: file[name] for name in cls.__dataclass_fields__})


def limit(distances: NDArray[np.float32], *, quantile: float) -> tuple[float, float]:
    """Distance beyond which a stamp is flagged, and the share of stamps like these expected beyond it.

    Of n reference stamps the k-th largest distance is taken: a further stamp of the same distribution lies
    beyond it with probability k / (n + 1), whatever the distribution (Vovk et al. 2005). k is the largest for
    which that is at most `quantile`; fewer than 1 / quantile stamps cannot keep it, and k is then 1.
    """
    count = len(distances)
    rank = max(1, int(quantile * (count + 1) + ROUNDING))
    return float(np.sort(distances)[-rank]), rank / (count + 1)


def _units(rows: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, SMALLEST_NORM), dtype=np.float64)
