"""What an adaptation gained on the target and lost on the source, in numbers fit for few stamps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from stampshift.metrics.metrics import THRESHOLD, evaluate
from stampshift.stamps.file import REAL

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Change:
    """One model against another on the same stamps.

    Attributes
    ----------
    survey
        Of the stamps.
    stamps
        Which they are, in words.
    before, after
        Of `evaluation.metrics.evaluate`, with the intervals of both recalls, ``recall_real_interval`` and
        ``recall_bogus_interval``: Wilson's, of confidence 95%.
    mended, broken
        Stamps that only the later, and only the earlier, model calls rightly.
    p_value
        Of McNemar's exact test that both kinds are equally likely, two-sided.
    """

    survey: str
    stamps: str
    before: dict[str, Any]
    after: dict[str, Any]
    mended: int
    broken: int
    p_value: float

    @classmethod
    def between(
        cls, before: ArrayLike, after: ArrayLike, *, labels: ArrayLike, survey: str, stamps: str
    ) -> Self:
        """Compare scores, P(real) of (N,) stamps, before and after."""
        real = np.asarray(labels) == REAL
        was_right, is_right = ((np.asarray(scores) > THRESHOLD) == real for scores in (before, after))
        mended = int((is_right & ~was_right).sum())
        broken = int((was_right & ~is_right).sum())
        return cls(
            survey=survey,
            stamps=stamps,
            before=_with_intervals(evaluate(labels, before)),
            after=_with_intervals(evaluate(labels, after)),
            mended=mended,
            broken=broken,
            p_value=binomtest(mended, mended + broken).pvalue if mended + broken else 1.0,
        )

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(**{name: content[name] for name in cls.__dataclass_fields__})

    @property
    def gain(self) -> float:
        """Balanced accuracy after less that before."""
        return float(self.after["balanced_accuracy"] - self.before["balanced_accuracy"])

    def as_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self) | {"gain": self.gain}


def _with_intervals(metrics: dict[str, Any]) -> dict[str, Any]:
    intervals = {}
    for name in ("real", "bogus"):
        right = metrics["confusion"]["tp" if name == "real" else "tn"]
        found = binomtest(right, metrics[f"n_{name}"]).proportion_ci(CONFIDENCE, method="wilson")
        intervals[f"recall_{name}_interval"] = [float(found.low), float(found.high)]
    return metrics | intervals
