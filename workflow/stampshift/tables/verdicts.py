"""The rule by which claims are judged on a table of comparisons.

In one case, such as a pair, a claim is decided by the sign of the difference and by the corrected p-value,
that is, beyond chance. It holds if it does in every case, and holds mostly if in more than half. It holds on
average if the differences of all cases have its sign by the Wilcoxon signed-rank test, which compares
classifiers over several data sets (Demsar 2006) and needs few splits. It is not shown if more than half the
cases go its way without either, and does not hold otherwise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from scipy import stats

from stampshift.tables.decisions import won
from stampshift.tables.significance import ALPHA
from stampshift.tables.wording import pair_title

HOLDS, MOSTLY, ON_AVERAGE = "holds", "holds mostly", "holds on average"
NOT_SHOWN, FAILS = "not shown", "does not hold"
UNDECIDED, TOO_SHORT = "cannot be judged", "too short to judge"


class Verdict(NamedTuple):
    """What became of a claim."""

    verdict: str
    evidence: str  # the numbers that say so, in one sentence or two


class Change(NamedTuple):
    """What differs between two sides in the mean over pairs; as text "+0.035 (9 of 12, p = 0.012)"."""

    difference: float
    pairs: int
    higher: int  # pairs in which the difference is positive
    p: float  # of Wilcoxon's signed-rank test, both ways

    @classmethod
    def over(cls, differences: pd.Series) -> "Change":
        """Of one difference per pair."""
        higher = int((differences > 0).sum())
        return cls(float(differences.mean()), len(differences), higher, signed_rank_p(differences))

    def __str__(self) -> str:
        return f"{self.difference:+z.3f} ({self.higher} of {self.pairs}, p = {self.p:.2g})"


def judge(compared: pd.DataFrame, *, sign: int, cases: str = "pairs") -> Verdict:
    """Verdict on differences of one sign, one comparison per case, and the count of the cases in words."""
    differences = sign * compared["difference"]
    towards, beyond = int((differences > 0).sum()), int(won(compared, sign=sign).sum())
    p = signed_rank_p(differences, alternative="greater")
    count = f"{towards} of {len(compared)} {cases}, beyond chance in {beyond}"
    evidence = f"{count} (all {cases} together: p = {p:.2g})"
    return Verdict(_verdict(towards, beyond, len(compared), p=p), evidence)


def judge_either_sign(compared: pd.DataFrame, *, cases: str) -> Verdict:
    """Verdict on differences of whatever sign: over all cases no test of their mean could tell."""
    beyond = int((won(compared, sign=1) | won(compared, sign=-1)).sum())
    verdict = _verdict(0, beyond, len(compared), p=1.0)
    return Verdict(NOT_SHOWN if verdict == FAILS else verdict, f"{beyond} of {len(compared)} {cases}")


def signed_rank_p(differences: pd.Series, *, alternative: str = "two-sided") -> float:
    """P-value of Wilcoxon's signed-rank test; 1 where nothing differs, for which it has no answer."""
    return float(stats.wilcoxon(differences, alternative=alternative).pvalue) if differences.any() else 1.0


def of_pairs(compared: pd.DataFrame, pairs: Sequence[str]) -> pd.DataFrame:
    """Comparisons of some pairs."""
    of_each = zip(compared["source"], compared["target"], strict=True)
    return compared.loc[[f"{source}-to-{target}" in pairs for source, target in of_each]]


def listed(compared: pd.DataFrame) -> str:
    """``"DES to HiTS -0.005, HiTS to ATLAS +0.012"``: differences by pair, the smallest first."""
    ordered = compared.sort_values("difference")
    names = map(pair_title, ordered["source"] + "-to-" + ordered["target"])
    return ", ".join(f"{name} {value:+.3f}" for name, value in zip(names, ordered["difference"], strict=True))


def _verdict(towards: int, beyond: int, cases: int, *, p: float) -> str:
    if beyond == cases:
        return HOLDS
    if 2 * beyond > cases:
        return MOSTLY
    if p < ALPHA:
        return ON_AVERAGE
    return NOT_SHOWN if 2 * towards > cases else FAILS
