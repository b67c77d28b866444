"""Comparisons over splits: which difference of balanced accuracy is more than chance.

Questions about the baseline:

- ``own``: on its own survey, against `OWN_ACCURACY`;
- ``shift``: on the target, against itself on the source;
- ``native``: on the target, against the target's own baseline there;
- ``direction``: on the target, against the baseline of the reverse pair on its target.

Questions about a method, for every number of shots:

- ``gain``: on the target, against the baseline there;
- ``loss``: on the source, against the baseline there;
- ``methods``: against another method, on the source and on the target;
- ``spread``: the standard deviation over splits against another method's, on the source and on the target.

A split has the same parts for every method, so differences are taken split by split. Each comparison has
its mean difference, Cohen's d_z (the mean over the standard deviation of the differences), a percentile
bootstrap interval over splits, and the p-value of a paired t-test. Standard deviations are compared by
their difference and by the test of Pitman and Morgan (1939) for paired values. The p-values of one question
are corrected together for the rate of false discoveries (Benjamini & Hochberg 1995). Splits drawn at random
from one survey share stamps, which makes such intervals and p-values somewhat too small (Nadeau & Bengio
2003).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, product
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
FEWEST_SPLITS = 3  # with two a t-test asks for t > 12.7, and a correlation is always 1 or -1
OWN_ACCURACY = 0.94  # that every published baseline exceeds on its own survey
UNKNOWN = {"low": np.nan, "high": np.nan, "effect_size": np.nan}

Key = tuple[str, str, str, int, str]
Statistic = Callable[[Any, Any], dict[str, float]]  # numbers of a comparison from its two sides
OWN: Key = ("", "", "", 0, f"{OWN_ACCURACY:g}")  # stands for a side that is no run


class Comparison(NamedTuple):
    """What is compared: balanced accuracies of `method` less those of `against`, on one survey."""

    question: str
    source: str
    target: str
    evaluated_on: str
    shots: int
    method: str
    against: str


Question = tuple[Comparison, Key, Key]  # with the keys of its two sides
SUBJECT = list(Comparison._fields)
NUMBERS = ["difference", "low", "high", "effect_size", "splits", "p", "p_corrected"]


def paired_comparisons(runs: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Ask every question of the runs; of two methods, or directions, the latter is compared with the former.

    A line per comparison: the fields of `Comparison`; ``difference``, the mean over splits, ``low`` and
    ``high`` of its interval, ``effect_size`` (d_z), ``splits``, ``p`` and ``p_corrected``. What the splits
    cannot show is NaN: all but the difference where there is one split, the p-value where all differ by the
    same.
    """
    shots = sorted(set(runs.loc[runs["method"].isin(list(methods)), "shots"]))
    return compare_runs(runs, chain(_of_baselines(pairs), _of_methods(pairs, methods, shots)))


def compare_runs(runs: pd.DataFrame, questions: Iterable[Question]) -> pd.DataFrame:
    """Ask questions of runs, as far as both sides of a comparison are among them; as `paired_comparisons`."""
    known: dict[Any, Any] = {OWN: OWN_ACCURACY}
    known |= {key: rows.set_index("seed")["balanced_accuracy"] for key, rows in runs.groupby(EVALUATION)}
    return _compare(known, questions, of_means=_paired, of_spreads=_pitman)


def published_comparisons(
    published: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]
) -> pd.DataFrame:
    """Ask every question of published means and standard deviations over ten splits.

    Columns are `EVALUATION`, ``mean`` and ``std``; the result has those of `paired_comparisons`. The splits
    behind them are not published: the p-values are of Welch's t-test of means and the F-test of standard
    deviations, which are unpaired, and there is neither interval nor effect size.
    """
    means: dict[Any, Any] = dict(published.set_index(EVALUATION)[["mean", "std"]].iterrows())
    means[OWN] = pd.Series({"mean": OWN_ACCURACY, "std": 0.0})
    shots = sorted({int(shots) for method, _, _, shots, _ in means if method in methods})
    questions = chain(_of_baselines(pairs), _of_methods(pairs, methods, shots))
    return _compare(means, questions, of_means=_welch, of_spreads=_f_test)


def _compare(
    known: Mapping[Any, Any], questions: Iterable[Question], *, of_means: Statistic, of_spreads: Statistic
) -> pd.DataFrame:
    """Every comparison both of whose sides are known; a single split has no spread to compare."""
    rows = [
        comparison._asdict()
        | (of_spreads if comparison.question == "spread" else of_means)(known[method], known[against])
        for comparison, method, against in questions
        if method in known and against in known
    ]
    compared = pd.DataFrame(rows, columns=[*SUBJECT, *NUMBERS])
    compared = compared.dropna(subset="difference").reset_index(drop=True)
    for _, part in compared.groupby("question")["p"]:
        tested = part.dropna()
        if len(tested):
            compared.loc[tested.index, "p_corrected"] = stats.false_discovery_control(tested.to_numpy(float))
    return compared.astype({"p_corrected": float})


def _of_baselines(pairs: Sequence[str]) -> Iterator[Question]:
    """Every comparison of baselines, with the keys of its two sides."""
    known_pairs = list(map(Pair.parse, pairs))

    def key(source: str, on: str) -> Key:
        return BASELINE, source, on, 0, on

    def subject(question: str, source: str, on: str, against: str = BASELINE) -> Comparison:
        return Comparison(question, source, on, on, 0, BASELINE, against)

    for source in dict.fromkeys(pair.source for pair in known_pairs):
        yield subject("own", source, source, against=OWN[-1]), key(source, source), OWN
    for number, pair in enumerate(known_pairs):
        source, target = pair.source, pair.target
        yield subject("shift", source, target), key(source, target), key(source, source)
        yield subject("native", source, target), key(source, target), key(target, target)
        if Pair(target, source) in known_pairs[number:]:
            yield subject("direction", source, target), key(source, target), key(target, source)


def _of_methods(pairs: Sequence[str], methods: Sequence[str], shots: Sequence[int]) -> Iterator[Question]:
    """Every comparison of methods, with the keys of its two sides."""
    for pair, number in product(map(Pair.parse, pairs), shots):
        source, target = pair.source, pair.target
        for on, question in ((target, "gain"), (source, "loss")):
            adapted: dict[str, Key] = {name: (name, source, target, number, on) for name in methods}
            for name in methods:
                subject = Comparison(question, source, target, on, number, name, BASELINE)
                yield subject, adapted[name], (BASELINE, source, on, 0, on)
            for first, second in combinations(methods, 2):
                for between in ("methods", "spread"):
                    subject = Comparison(between, source, target, on, number, second, first)
                    yield subject, adapted[second], adapted[first]


def _paired(method: pd.Series, against: pd.Series | float) -> dict[str, float]:
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


def _pitman(method: pd.Series, against: pd.Series) -> dict[str, float]:
    """Difference of two standard deviations over splits, and the p-value of Pitman's and Morgan's test.

    Two variances are equal if sum and difference of the values are uncorrelated.
    """
    both = pd.concat({"method": method, "against": against}, axis=1).dropna()
    spreads = both.std(ddof=1)
    numbers = {"difference": float(spreads["method"] - spreads["against"]), "splits": len(both)}
    total, difference = both.sum(axis=1), both["method"] - both["against"]
    if len(both) < FEWEST_SPLITS or np.isclose([total.std(), difference.std()], 0).any():
        return numbers | UNKNOWN | {"p": np.nan}
    return numbers | UNKNOWN | {"p": float(stats.pearsonr(total, difference).pvalue)}


def _welch(method: pd.Series, against: pd.Series) -> dict[str, float]:
    """Difference and p-value of two published means, each with its standard deviation."""
    p = stats.ttest_ind_from_stats(
        *method, PUBLISHED_SPLITS, *against, PUBLISHED_SPLITS, equal_var=False
    ).pvalue
    difference = method["mean"] - against["mean"]
    return UNKNOWN | {"difference": difference, "splits": PUBLISHED_SPLITS, "p": float(p)}


def _f_test(method: pd.Series, against: pd.Series) -> dict[str, float]:
    """Difference and p-value of two published standard deviations."""
    ratio, degrees = (method["std"] / against["std"]) ** 2, PUBLISHED_SPLITS - 1
    larger = max(ratio, 1 / ratio)
    p = 2 * stats.f.sf(larger, degrees, degrees)
    difference = method["std"] - against["std"]
    return UNKNOWN | {"difference": difference, "splits": PUBLISHED_SPLITS, "p": float(p)}
