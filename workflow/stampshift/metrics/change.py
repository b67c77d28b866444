"""One model against another on the same stamps, in numbers that suit few stamps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from stampshift.metrics.intervals import binomial_interval
from stampshift.metrics.metrics import THRESHOLD, evaluate
from stampshift.stamps.file import REAL

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Change:
    """What a later model does better and worse than an earlier one."""

    survey: str
    stamps: str  # which they are, in words
    # each of `metrics.evaluate`, with `recall_real_interval` and `recall_bogus_interval`: Wilson's 95%
    before: dict[str, Any]
    after: dict[str, Any]
    mended: int  # stamps that only the later model calls correctly
    broken: int  # stamps that only the earlier one does
    p_value: float  # of McNemar's exact test that both kinds are equally likely, two-sided

    @classmethod
    def between(
        cls, before: ArrayLike, after: ArrayLike, *, labels: ArrayLike, survey: str, stamps: str
    ) -> Self:
        """Compare scores, P(real) of (N,) stamps, before and after."""
        real = np.asarray(labels) == REAL
        was_right, is_right = ((np.asarray(scores) > THRESHOLD) == real for scores in (before, after))
        mended, broken = int((is_right & ~was_right).sum()), int((was_right & ~is_right).sum())
        return cls(
            survey=survey,
            stamps=stamps,
            before=_evaluated(labels, before),
            after=_evaluated(labels, after),
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

    def line(self) -> dict[str, str]:
        """A table's line: cells of text by heading."""
        after = self.after
        recalls = {
            f"recall of {words} after": f"{after[f'recall_{name}']:.2f} ({low:.2f} to {high:.2f})"
            for name, words in (("real", "reals"), ("bogus", "bogus"))
            for low, high in [after[f"recall_{name}_interval"]]
        }
        return {
            "judged on": f"{self.survey}, {self.stamps}",
            "stamps": f"{after['n_real']} real, {after['n_bogus']} bogus",
            "balanced accuracy before": f"{self.before['balanced_accuracy']:.3f}",
            "after": f"{after['balanced_accuracy']:.3f}",
            "change": f"{self.gain:+.3f}",
            **recalls,
            "fixed / broken": f"{self.mended} / {self.broken}",
            "p (McNemar)": f"{self.p_value:.2g}",
        }


def _evaluated(labels: ArrayLike, scores: ArrayLike) -> dict[str, Any]:
    """`metrics.evaluate`, with the interval of either recall."""
    metrics = evaluate(labels, scores)
    for name, right in (("real", "tp"), ("bogus", "tn")):
        called, stamps = metrics["confusion"][right], metrics[f"n_{name}"]
        limits = binomial_interval(called, stamps, confidence=CONFIDENCE, method="wilson")
        metrics[f"recall_{name}_interval"] = list(limits)
    return metrics
