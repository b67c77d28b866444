"""The claims of Cabrera-Vives et al. (2023), judged by one rule on any table of comparisons.

In a pair a claim is decided by the sign of the mean difference and by the corrected p-value, that is, beyond
chance. It holds if it does in every pair, and holds mostly if in more than half. It holds on average if the
mean differences of all pairs have its sign by the Wilcoxon signed-rank test, which compares classifiers over
several data sets (Demsar 2006) and needs few splits. It is not shown if more than half the pairs go its way
without either, and does not hold otherwise.
"""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
from scipy import stats

from stampshift.config.experiment import Pair
from stampshift.tables.decisions import of_pair, shots_needed, won
from stampshift.tables.significance import ALPHA, PAIRED_RULE
from stampshift.tables.wording import counted, method_name
from stampshift.tables.writing import Table

FEW_SHOTS = 10
HOLDS, MOSTLY, ON_AVERAGE = "holds", "holds mostly", "holds on average"
NOT_SHOWN, FAILS = "not shown", "does not hold"
UNDECIDED = "cannot be judged"

Judge = Callable[[pd.DataFrame, Sequence[str]], tuple[str, str]]


def judge_claims(compared: pd.DataFrame, *, pairs: Sequence[str]) -> pd.DataFrame:
    """Judge every claim, from comparisons with the methods ``finetune`` and ``mme`` or one of them.

    They are as of `significance.paired_comparisons` or `published_comparisons`. Columns are ``claim``,
    ``verdict``, whether it holds, and ``evidence``, the numbers that say so in one sentence.
    """
    if compared["p_corrected"].isna().all():
        sentence = "One split tells no difference from chance: it takes two, and better ten."
        verdicts = [(claim, UNDECIDED, sentence) for claim in CLAIMS]
    else:
        verdicts = [(claim, *judge(compared, pairs)) for claim, judge in CLAIMS.items()]
    return pd.DataFrame(verdicts, columns=["claim", "verdict", "evidence"])


def claims_table(compared: pd.DataFrame, *, published: pd.DataFrame | None, pairs: Sequence[str]) -> Table:
    """Verdict on every claim, from our comparisons and from those of the published means."""
    cells = judge_claims(compared, pairs=pairs)
    if published is not None and len(published):
        theirs = judge_claims(published, pairs=pairs)
        cells[["published verdict", "published evidence"]] = theirs[["verdict", "evidence"]]
    caption = (
        "Claims of Cabrera-Vives et al. (2023). A claim holds if it does, beyond chance, in every pair, and "
        f"holds mostly if in more than half ({PAIRED_RULE}); it holds on average if it does over the pairs "
        f"(Wilcoxon signed-rank test of their mean differences, p < {ALPHA:g}). Differences are of balanced "
        "accuracy."
    )
    return Table(cells, cells, caption, "tab:claims")


def _shift_everywhere(compared: pd.DataFrame, pairs: Sequence[str]) -> tuple[str, str]:
    shifts = compared[compared["question"] == "shift"]
    drops = -shifts["difference"]
    verdict, count = _in_pairs(shifts, pairs, sign=-1)
    return verdict, (
        f"The baseline is worse on the target in {count}, by {drops.mean():.3f} on average "
        f"({drops.min():.3f} to {drops.max():.3f})."
    )


def _des_hits_mildest(compared: pd.DataFrame, pairs: Sequence[str]) -> tuple[str, str]:
    shifts = compared[compared["question"] == "shift"]
    drops = {pair: -float(of_pair(shifts, pair)["difference"].mean()) for pair in pairs}
    surveys = [" and ".join(sorted([Pair.parse(pair).source, Pair.parse(pair).target])) for pair in pairs]
    means = pd.Series(drops).groupby(surveys).mean().sort_values()
    if "DES and HiTS" not in means.index or len(means) < 2:
        return UNDECIDED, "The experiment does not compare DES and HiTS with other surveys."
    listed = ", ".join(f"{pair} {drop:.3f}" for pair, drop in means.items())
    verdict = HOLDS if means.index[0] == "DES and HiTS" else FAILS
    return verdict, f"Mean drop of both directions: {listed}."


def _few_shots_beat_the_baseline(
    compared: pd.DataFrame, pairs: Sequence[str], *, method: str
) -> tuple[str, str]:
    gains = compared[(compared["question"] == "gain") & (compared["method"] == method)]
    few = gains.loc[gains["shots"] <= FEW_SHOTS, "shots"]
    if few.empty:
        return UNDECIDED, f"The experiment has no run of {method_name(method)} with so few shots."
    never = sum(shots_needed(of_pair(gains, pair)) is None for pair in pairs)
    verdict, count = _in_pairs(gains[gains["shots"] == few.max()], pairs, sign=1)
    return verdict, (
        f"With {few.max()} shots {method_name(method)} is better on the target in {count}"
        + (f"; in {counted(never, 'pair')} with no number of shots beyond chance." if never else ".")
    )


def _mme_keeps_the_source(compared: pd.DataFrame, pairs: Sequence[str]) -> tuple[str, str]:
    losses, most = _at_most_shots(compared, "loss")
    between, _ = _at_most_shots(compared, "methods")
    if {"finetune", "mme"} - set(losses["method"]):
        return UNDECIDED, "The experiment lacks runs of fine-tuning or of MME."
    of_both = between[["method", "against"]].isin(["finetune", "mme"]).all(axis=1)
    both = between[of_both & (between["evaluated_on"] == between["source"])]
    # which of the two is compared with which follows their order in the config
    verdict, count = _in_pairs(both, pairs, sign=1 if (both["method"] == "mme").all() else -1)
    mean = losses.groupby("method")["difference"].mean()
    return verdict, (
        f"After {most} shots MME is better than fine-tuning on the source in {count}; against the baseline "
        f"there MME changes by {mean['mme']:+.3f} on average, fine-tuning by {mean['finetune']:+.3f}."
    )


def _finetuning_loses_the_source(compared: pd.DataFrame, pairs: Sequence[str]) -> tuple[str, str]:
    losses, most = _at_most_shots(compared, "loss")
    ours = losses[losses["method"] == "finetune"]
    if ours.empty:
        return UNDECIDED, "The experiment has no run of fine-tuning."
    verdict, count = _in_pairs(ours, pairs, sign=-1)
    return verdict, (
        f"After {most} shots the fine-tuned model is worse on the source than the baseline in {count}, by "
        f"{-ours['difference'].mean():.3f} on average."
    )


CLAIMS: dict[str, Judge] = {
    "A classifier trained on one survey fails on another: domain shift everywhere.": _shift_everywhere,
    "The shift between DES and HiTS, of one camera, is the mildest.": _des_hits_mildest,
    "Fine-tuning beats the baseline on the target with few shots.": partial(
        _few_shots_beat_the_baseline, method="finetune"
    ),
    "MME beats the baseline on the target with few shots.": partial(
        _few_shots_beat_the_baseline, method="mme"
    ),
    "MME keeps the accuracy on the source better than fine-tuning.": _mme_keeps_the_source,
    "Fine-tuning loses accuracy on the source.": _finetuning_loses_the_source,
}


def _in_pairs(compared: pd.DataFrame, pairs: Sequence[str], *, sign: int) -> tuple[str, str]:
    """Verdict on differences of one sign, one comparison per pair, and the count of pairs in words."""
    ours = pd.concat([of_pair(compared, pair) for pair in pairs])
    differences = sign * ours["difference"]
    towards, beyond = int((differences > 0).sum()), int(won(ours, sign=sign).sum())
    p = float(stats.wilcoxon(differences, alternative="greater").pvalue)
    text = f"{towards} of {len(pairs)} pairs, beyond chance in {beyond} (all pairs together: p = {p:.2g})"
    if beyond == len(pairs):
        return HOLDS, text
    if 2 * beyond > len(pairs):
        return MOSTLY, text
    if p < ALPHA:
        return ON_AVERAGE, text
    return (NOT_SHOWN if 2 * towards > len(pairs) else FAILS), text


def _at_most_shots(compared: pd.DataFrame, question: str) -> tuple[pd.DataFrame, int]:
    asked = compared[compared["question"] == question]
    most = int(asked["shots"].max()) if len(asked) else 0
    return asked[asked["shots"] == most], most
