"""Operating points: a threshold on the score, and what it misses and lets through, with exact intervals.

Rates and thresholds are read off validation stamps. The interval of a rate is that of Clopper & Pearson
(1934). The threshold is chosen on the very stamps on which the rate is then counted; for the rate that it
was chosen by, the upper limit holds nevertheless: with k of n reals below the (k + 1)-th lowest score, the
true share below it follows a beta distribution of k + 1 and n - k, whose quantile that limit is (Wilks 1941).
"""

from dataclasses import dataclass
from math import ceil, log

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stampshift.core.errors import ContractError
from stampshift.metrics.intervals import binomial_interval
from stampshift.metrics.metrics import ROUNDING, detection_curve
from stampshift.release.reference import validation_rows
from stampshift.release.released import ReleasedModel
from stampshift.stamps.file import LABELS, REAL
from stampshift.tables.wording import listed

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """A share of some stamps, with the limits of its exact interval."""

    count: int
    of: int
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f}; {self.count} of {self.of})"


def rate(count: int, of: int) -> Rate:
    """Share ``count / of`` with its Clopper-Pearson interval."""
    limits = binomial_interval(count, of, confidence=CONFIDENCE, method="exact")
    return Rate(count, of, count / of, *limits)


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold: a stamp is called real when its calibrated score is at least that."""

    survey: str  # on whose validation stamps it was chosen: one, or several as `listed`
    threshold: float
    mdr: Rate  # share of the reals below the threshold
    fpr: Rate  # share of the bogus stamps not below it
    max_mdr: float | None  # as asked for
    max_fpr: float | None
    confidence: float  # of the intervals
    caveats: tuple[str, ...]  # sentences on what so many stamps cannot promise

    def as_text(self) -> str:
        """Some lines for people."""
        lines = [
            # every digit: a threshold rounded up would miss the very stamp that it was read off
            f"threshold  {self.threshold!r}",
            f"           call a stamp of {self.survey} real when its score is at least that",
            f"MDR        {self.mdr}",
            f"FPR        {self.fpr}",
            f"Counted on validation stamps; in brackets the exact {self.confidence:.0%} interval.",
        ]
        return "\n".join([*lines, *self.caveats])


def operating_point(
    labels: ArrayLike, scores: ArrayLike, *, survey: str, max_mdr: float | None, max_fpr: float | None
) -> OperatingPoint:
    """Highest threshold that misses no larger share of the reals than `max_mdr`.

    Without `max_mdr` it is the lowest threshold that lets through no larger share of the bogus stamps than
    `max_fpr`. With both, the highest threshold that keeps `max_mdr` must keep `max_fpr` too. Labels and
    scores (N,) are those of a survey's validation stamps: 1 real and 0 bogus, and calibrated P(real).

    Raises
    ------
    ContractError
        If no threshold does what is asked, or a class has no stamp.
    """
    curve = detection_curve(labels, scores)
    real, score = np.asarray(labels) == REAL, np.asarray(scores, dtype=np.float64)
    allowed_fpr = 1.0 if max_fpr is None else max_fpr
    if max_mdr is not None:
        row = curve[curve["mdr"] <= max_mdr + ROUNDING].iloc[0]
    else:
        row = curve[curve["fpr"] <= allowed_fpr + ROUNDING].iloc[-1]
    threshold = float(row["threshold"])
    if not np.isfinite(threshold) or row["fpr"] > allowed_fpr + ROUNDING:
        raise ContractError(_impossible(survey, curve, max_mdr, allowed_fpr))
    mdr = rate(int((score[real] < threshold).sum()), int(real.sum()))
    fpr = rate(int((score[~real] >= threshold).sum()), int((~real).sum()))
    caveats = tuple(
        _caveat(name, kind, found, asked)
        for name, kind, found, asked in (("MDR", "real", mdr, max_mdr), ("FPR", "bogus", fpr, max_fpr))
        if asked is not None and found.high > asked
    )
    return OperatingPoint(survey, threshold, mdr, fpr, max_mdr, max_fpr, CONFIDENCE, caveats)


def choose(
    release: ReleasedModel, *, survey: str | None, max_mdr: float | None, max_fpr: float | None
) -> OperatingPoint:
    """`operating_point` of a released model on a survey's validation stamps; if None, on those of its homes.

    Raises
    ------
    ContractError
        If the model does not know the survey, has no labelled stamps of it, or no threshold does what is
        asked.
    """
    surveys = [survey] if survey else release.contract.homes
    for each in surveys:
        release.check_known(each, why="an operating point needs labelled validation stamps of the survey.")
    if max_mdr is None and max_fpr is None:
        raise ContractError(f"{release.folder}: an operating point needs --max-mdr, --max-fpr or both.")
    rows, name = validation_rows(release.reference(), surveys), listed(surveys)
    if set(rows["label"]) != set(LABELS.values()):
        raise ContractError(
            f"{release.folder}: an operating point needs real and bogus validation stamps of {name}, found "
            f"{int((rows['label'] == REAL).sum())} real and {int((rows['label'] != REAL).sum())} bogus; "
            "export a model with more labelled validation stamps."
        )
    labels, scores = rows["label"].to_numpy(np.uint8), release.calibrated(rows["logit"].to_numpy())
    return operating_point(labels, scores, survey=name, max_mdr=max_mdr, max_fpr=max_fpr)


def _impossible(survey: str, curve: pd.DataFrame, max_mdr: float | None, max_fpr: float) -> str:
    if max_mdr is None:
        return (
            f"{survey}: no threshold with an FPR of at most {max_fpr:g} calls any validation stamp real; "
            "ask for a larger --max-fpr."
        )
    lowest = curve.loc[curve["mdr"] <= max_mdr + ROUNDING, "fpr"].iloc[0]
    return (
        f"{survey}: no threshold has an MDR of at most {max_mdr:g} and an FPR of at most {max_fpr:g} on the "
        f"validation stamps: with that MDR the lowest FPR is {lowest:.4g}. Ask for more of either."
    )


def _caveat(name: str, kind: str, found: Rate, asked: float) -> str:
    """What `found` does not promise: too few stamps for any promise, or too many of them beyond."""
    tail = (1 - CONFIDENCE) / 2
    best = 1 - tail ** (1 / found.of)  # the upper limit of none in so many
    if best > asked:
        needed = f"{ceil(log(tail) / log(1 - asked))} would be" if asked > 0 else "no number would be"
        return (
            f"{found.of} {kind} validation stamps are too few to promise an {name} of {asked:g} with "
            f"{CONFIDENCE:.0%} confidence: even if none of them were called wrongly, the true rate could be "
            f"{best:.4g}; {needed} enough."
        )
    return (
        f"With {CONFIDENCE:.0%} confidence the true {name} may be up to {found.high:.4g}, more than the "
        f"{asked:g} asked for; ask for a lower one to be safe."
    )
