"""Which unlabelled stamps to label next: those from which the few labels of a new survey say most."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.release.released import ReleasedModel
from stampshift.stamps.file import UNLABELLED, Stamps
from stampshift.stamps.groups import groups_of
from stampshift.stamps.splits import Rows

Floats = NDArray[np.float32]
Choose = Callable[["Pool", int, np.random.Generator], NDArray[np.int64]]


class Pool(NamedTuple):
    """What a model says of n stamps without a label, and of m with one."""

    scores: Floats  # (n,), P(real)
    features: Floats  # (n, F)
    known: Floats  # (m, F), features of the labelled ones


def _uncertain(pool: Pool, count: int, _: np.random.Generator) -> NDArray[np.int64]:
    """Scores closest to one half first (Lewis & Gale 1994)."""
    return np.argsort(np.abs(pool.scores - 0.5), kind="stable")[:count]


def _diverse(pool: Pool, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Each as far as possible from all before it and all labelled ones (k-centre; Sener & Savarese 2018)."""
    units = _units(pool.features)
    nearest = np.full(len(units), np.inf, np.float32)
    for one in _units(pool.known):
        nearest = np.minimum(nearest, _squared(units, one))
    chosen: list[int] = []
    while len(chosen) < count:
        first = not chosen and not len(pool.known)
        pick = int(generator.integers(len(units))) if first else int(nearest.argmax())
        chosen.append(pick)
        nearest = np.minimum(nearest, _squared(units, units[pick]))
        nearest[chosen] = -1
    return np.array(chosen, np.int64)


def _uncertain_and_diverse(pool: Pool, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """BADGE (Ash et al. 2020): k-means++ seeds among the gradients that each stamp would have.

    The gradient of a head's cross-entropy, if the model's own call were the label, is the features times what
    the score lacks to certainty, with opposite signs for the two classes: long where the model is uncertain,
    and along the features.
    """
    from sklearn.cluster import kmeans_plusplus

    lacking = np.where(pool.scores >= 0.5, pool.scores - 1, pool.scores)
    gradients = pool.features * lacking[:, np.newaxis]
    seed = int(generator.integers(2**31))
    return kmeans_plusplus(gradients, count, random_state=seed)[1].astype(np.int64)


def _random(pool: Pool, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Any."""
    return generator.permutation(len(pool.scores))[:count]


STRATEGIES: dict[str, Choose] = {
    "diversity": _diverse,
    "uncertainty": _uncertain,
    "both": _uncertain_and_diverse,
    "random": _random,
}


def suggest(
    model: ReleasedModel, stamps: Stamps, *, count: int, strategy: str = "diversity", seed: int = 0
) -> pd.DataFrame:
    """Choose unlabelled stamps that people should label next, each of another object.

    Objects, and identical stamps, of which one already has a label are passed over: `stampshift adapt` holds
    all stamps of an object out together, so that a second label of it adds little.

    Parameters
    ----------
    stamps
        Of the new survey, labelled or not, preprocessed as the model's contract says.
    count
        Number of stamps.
    strategy
        ``"diversity"``, far apart in the network's features, and from the labelled ones; ``"uncertainty"``,
        scores closest to one half; ``"both"``, by BADGE (Ash et al. 2020); ``"random"``.
    seed
        Of what a strategy draws at random.

    Returns
    -------
    pandas.DataFrame
        A table of candidates that `stampshift review` opens, in the order of the choice: ``row``, ``id``,
        ``label`` (255, unlabelled), ``score`` (calibrated P(real)) and ``suspicion`` (NaN).

    Raises
    ------
    ContractError
        If fewer objects than `count` are without a label, or the stamps do not fit the model.
    """
    labelled = np.flatnonzero(stamps.labels != UNLABELLED)
    free = _one_of_each_object(stamps, labelled)
    if len(free) < count:
        raise ContractError(
            f"{stamps.survey}: {count} stamps to label were asked for, but only {len(free)} objects have no "
            "label; ask for fewer, or add alerts."
        )
    pool = Pool(*model.features(stamps.stamps, free), model.features(stamps.stamps, labelled)[1])
    chosen = STRATEGIES[strategy](pool, count, np.random.default_rng(seed))
    rows = free[chosen]
    return pd.DataFrame(
        {
            "row": rows,
            "id": stamps.ids[rows].tolist(),
            "label": np.full(len(rows), UNLABELLED, np.uint8),
            "score": pool.scores[chosen],
            "suspicion": np.nan,
        }
    )


def _one_of_each_object(stamps: Stamps, labelled: Rows) -> Rows:
    """The first stamp of each group that has no label."""
    groups = groups_of(stamps)
    if groups is None:
        return np.setdiff1d(np.arange(len(stamps)), labelled)
    first = np.unique(groups, return_index=True)[1]
    return np.sort(first[~np.isin(groups[first], groups[labelled])])


def _units(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, np.finfo(np.float32).tiny), np.float32)


def _squared(rows: Floats, one: Floats) -> Floats:
    return np.asarray(np.square(rows - one).sum(axis=1), np.float32)
