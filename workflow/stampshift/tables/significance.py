"""Comparisons over splits: which difference of balanced accuracy is more than chance.

Four questions are asked of every pair:

- ``shift``: the baseline on the target, against itself on the source;
- ``gain``: a method on the target, against the baseline there;
- ``loss``: a method on the source, against the baseline there;
- ``methods``: one method against another, on the source and on the target.

A split has the same parts for every method, so differences are taken split by split. Each comparison has
its mean difference, Cohen's d_z (the mean over the standard deviation of the differences), a percentile
bootstrap interval over splits, and the p-value of a paired t-test; the p-values of one question are
corrected together for the rate of false discoveries (Benjamini & Hochberg 1995). Splits drawn at random
from one survey share stamps, which makes such intervals and p-values somewhat too small (Nadeau & Bengio
2003).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from stampshift.config.experiment import BASELINE, Pair
from stampshift.metrics.intervals import Bootstrap, mean_interval
from stampshift.tables.run_table import EVALUATION

ALPHA = 0.05
BOOTSTRAP = Bootstrap(samples=2000, confidence=0.95, seed=0)
PAIRED_RULE = (
    "paired t-test over splits, p-values of the whole table corrected for the rate of false discoveries "
    f"(Benjamini & Hochberg 1995), p < {ALPHA:g}"
)
PUBLISHED_SPLITS = 10
UNKNOWN = {"low": np.nan, "high": np.nan, "effect_size": np.nan}

Key = tuple[str, str, str, int, str]


class Comparison(NamedTuple):
    """What is compared: balanced accuracies of `method` less those of `against`, on one survey."""

    question: str
    source: str
    target: str
    evaluated_on: str
    shots: int
    method: str
    against: str


SUBJECT = list(Comparison._fields)
NUMBERS = ["difference", "low", "high", "effect_size", "splits", "p", "p_corrected"]


def paired_comparisons(runs: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Ask every question of the runs; of two methods, the latter is compared with the former.

    A line per comparison: the fields of `Comparison`; ``difference``, the mean over splits, ``low`` and
    ``high`` of its interval, ``effect_size`` (d_z), ``splits``, ``p`` and ``p_corrected``. What the splits
    cannot show is NaN: all but the difference where there is one split, the p-value where all differ by the
    same.
    """
    accuracies = {key: rows.set_index("seed")["balanced_accuracy"] for key, rows in runs.groupby(EVALUATION)}
    return _compare(accuracies, pairs, methods, statistics=_paired)


def published_comparisons(
    published: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]
) -> pd.DataFrame:
    """Ask every question of published means and standard deviations over ten splits.

    Columns are `EVALUATION`, ``mean`` and ``std``; the result has those of `paired_comparisons`. The splits
    behind them are not published: the p-values are of Welch's t-test, which is unpaired, and there is
    neither interval nor effect size.
    """
    means = dict(published.set_index(EVALUATION)[["mean", "std"]].iterrows())
    return _compare(means, pairs, methods, statistics=_welch)


def _compare(
    known: Mapping[Any, pd.Series],
    pairs: Sequence[str],
    methods: Sequence[str],
    *,
    statistics: Callable[[pd.Series, pd.Series], dict[str, float]],
) -> pd.DataFrame:
    """Every comparison both of whose sides are known."""
    shots = sorted({int(shots) for method, _, _, shots, _ in known if method != BASELINE})
    rows = [
        comparison._asdict() | statistics(known[method], known[against])
        for comparison, method, against in _questions(pairs, methods, shots)
        if method in known and against in known
    ]
    compared = pd.DataFrame(rows, columns=[*SUBJECT, *NUMBERS])
    for _, part in compared.groupby("question")["p"]:
        tested = part.dropna()
        if len(tested):
            compared.loc[tested.index, "p_corrected"] = stats.false_discovery_control(tested.to_numpy(float))
    return compared.astype({"p_corrected": float})


def _questions(
    pairs: Sequence[str], methods: Sequence[str], shots: Sequence[int]
) -> Iterator[tuple[Comparison, Key, Key]]:
    """Every comparison, with the keys of its two sides."""
    for pair in pairs:
        source, target = Pair.parse(pair).source, Pair.parse(pair).target
        baseline: dict[str, Key] = {on: (BASELINE, source, on, 0, on) for on in (source, target)}
        subject = Comparison("shift", source, target, target, 0, BASELINE, BASELINE)
        yield subject, baseline[target], baseline[source]
        for number in shots:
            for on, question in ((target, "gain"), (source, "loss")):
                adapted: dict[str, Key] = {name: (name, source, target, number, on) for name in methods}
                for name in methods:
                    subject = Comparison(question, source, target, on, number, name, BASELINE)
                    yield subject, adapted[name], baseline[on]
                for first, second in combinations(methods, 2):
                    subject = Comparison("methods", source, target, on, number, second, first)
                    yield subject, adapted[second], adapted[first]


def _paired(method: pd.Series, against: pd.Series) -> dict[str, float]:
    """Mean, interval, effect size and p-value of the differences of two methods, by split."""
    differences = (method - against).dropna().to_numpy(float)
    mean = float(differences.mean())
    numbers = {"difference": mean, "splits": len(differences)}
    spread = differences.std(ddof=1) if len(differences) > 1 else np.nan
    if np.isnan(spread) or np.isclose(spread, 0):
        return numbers | UNKNOWN | {"p": np.nan}
    low, high = mean_interval(differences, bootstrap=BOOTSTRAP)
    p = float(stats.ttest_1samp(differences, 0).pvalue)
    return numbers | {"low": low, "high": high, "effect_size": float(mean / spread), "p": p}


def _welch(method: pd.Series, against: pd.Series) -> dict[str, float]:
    """Difference and p-value of two published means, each with its standard deviation."""
    p = stats.ttest_ind_from_stats(
        *method, PUBLISHED_SPLITS, *against, PUBLISHED_SPLITS, equal_var=False
    ).pvalue
    difference = method["mean"] - against["mean"]
    return UNKNOWN | {"difference": difference, "splits": PUBLISHED_SPLITS, "p": float(p)}
