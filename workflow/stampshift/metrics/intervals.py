"""Intervals: of a share of stamps, of what is read off scores, and of a mean over splits.

A share of independent stamps has a binomial interval. What is read off scores has a bootstrap interval over
stamps, drawn with replacement within each label: as many reals, and as many bogus, as there are. The rates
are of one label each, and how many of a label a test part holds is not random. Such an interval says how much
another test part would differ; it says nothing of how much another training would.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from stampshift.core.errors import ContractError
from stampshift.metrics.metrics import ROUNDING, THRESHOLD, confusion
from stampshift.stamps.file import BOGUS, REAL

STREAM = 0x626F6F74  # beside the study's seed: no training draws from this stream
DRAWS_AT_ONCE = 4_000_000

Scores = NDArray[np.float64]
Statistic = Callable[[Scores, Scores], Any]


@dataclass(frozen=True)
class Bootstrap:
    """Percentile intervals over resamples.

    Every number starts the same random stream: models that judge the same stamps do on the same resamples.
    """

    samples: int
    confidence: float  # of the interval, a share
    seed: int


@dataclass(frozen=True)
class Interval:
    """A value of the stamps themselves, and the percentiles of the resamples."""

    value: float
    low: float
    high: float


def binomial_interval(
    successes: int, trials: int, *, confidence: float, method: Literal["wilson", "exact"]
) -> tuple[float, float]:
    """Limits of a share: Wilson's (1927), or the exact ones of Clopper & Pearson (1934)."""
    found = stats.binomtest(successes, trials).proportion_ci(confidence, method=method)
    return float(found.low), float(found.high)


def mean_interval(values: NDArray[np.float64], *, bootstrap: Bootstrap) -> tuple[float, float]:
    """Limits of the mean of values (n,) of splits, which are resampled."""
    found = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=bootstrap.samples,
        confidence_level=bootstrap.confidence,
        method="percentile",
        rng=np.random.default_rng(bootstrap.seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def balanced_accuracy(real: Scores, bogus: Scores) -> Any:
    """Mean of the two recalls, from the scores (..., n) of reals and (..., m) of bogus stamps."""
    return ((real > THRESHOLD).mean(axis=-1) + (bogus <= THRESHOLD).mean(axis=-1)) / 2


def fpr_at_mdr(mdr: float) -> Statistic:
    """Lowest false-positive rate that misses no larger share of the reals than `mdr`.

    It is `metrics.fpr_at_mdr` of many samples at once: of n reals, k = floor(n mdr) may be missed, so that
    the threshold is the (k + 1)-th lowest of their scores.
    """

    def statistic(real: Scores, bogus: Scores) -> Any:
        missed = int(real.shape[-1] * (mdr + ROUNDING))
        threshold = np.partition(real, missed, axis=-1)[..., missed]
        return (bogus >= threshold[..., np.newaxis]).mean(axis=-1)

    return statistic


def measured(labels: ArrayLike, scores: ArrayLike, *, statistic: Statistic) -> float:
    """A statistic of the scores (N,), P(real), of stamps with labels (N,), 1 real and 0 bogus."""
    label, score = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    return float(statistic(score[label == REAL], score[label == BOGUS]))


def interval(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    against: ArrayLike | None = None,
    statistic: Statistic,
    bootstrap: Bootstrap,
) -> Interval:
    """A statistic of the scores (N,), as for `measured`, with its interval over stamps.

    It is less that of the scores `against`, if there are any, on the same resampled stamps. Raises
    `ContractError` if `confusion` refuses labels or scores, or a label has fewer than two stamps.
    """
    label = np.asarray(labels)
    values = [np.asarray(each, dtype=np.float64) for each in (scores, against) if each is not None]
    for each in values:
        confusion(label, each)  # raises if a value is no label or no score
    real, bogus = np.flatnonzero(label == REAL), np.flatnonzero(label == BOGUS)
    if min(len(real), len(bogus)) < 2:
        raise ContractError(
            f"expected at least two stamps of each label to draw from, found {len(real)} real and "
            f"{len(bogus)} bogus; give the survey more stamps or a larger test part."
        )

    def of_positions(real: NDArray[np.int64], bogus: NDArray[np.int64], axis: int = -1) -> Any:  # noqa: ARG001
        value, *other = (statistic(each[real], each[bogus]) for each in values)
        return value - other[0] if other else value

    drawn = stats.bootstrap(
        (real, bogus),
        of_positions,
        n_resamples=bootstrap.samples,
        batch=max(1, DRAWS_AT_ONCE // len(label)),
        vectorized=True,
        confidence_level=bootstrap.confidence,
        method="percentile",
        rng=np.random.default_rng(np.random.SeedSequence([bootstrap.seed, STREAM])),
    ).confidence_interval
    return Interval(float(of_positions(real, bogus)), float(drawn.low), float(drawn.high))
