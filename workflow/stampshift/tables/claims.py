"""The claims of Cabrera-Vives et al. (2023) and of Bolivar (2022), by the rule of `tables.verdicts`."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from stampshift.tables.decisions import shots_needed
from stampshift.tables.significance import (
    ALPHA,
    FEWEST_SPLITS,
    OWN_ACCURACY,
    PAIRED_RULE,
    PUBLISHED_SPLITS,
    published_comparisons,
)
from stampshift.tables.verdicts import (
    FAILS,
    HOLDS,
    TOO_SHORT,
    UNDECIDED,
    Verdict,
    judge,
    judge_either_sign,
    listed,
    of_pairs,
)
from stampshift.tables.wording import THESIS, counted, method_name
from stampshift.tables.writing import Table

FEW_SHOTS = 10
FINETUNING_AHEAD = ("ATLAS-to-ZTF", "ZTF-to-HiTS", "ZTF-to-ATLAS")
STUDY = f"Cabrera-Vives et al. (2023) and {THESIS}"
RULE = (
    "A claim holds if it does, beyond chance, in every pair (or survey), and holds mostly if in more than "
    "half ({test}); it holds on average if it does over the pairs (Wilcoxon signed-rank test of their "
    f"differences, p < {ALPHA:g}). Fewer than {FEWEST_SPLITS} splits judge nothing. "
    "Differences are of balanced accuracy."
)

Judge = Callable[[pd.DataFrame], Verdict]


def judge_claims(compared: pd.DataFrame, *, pairs: Sequence[str]) -> pd.DataFrame:
    """Judge every claim, from comparisons with the methods ``finetune`` and ``mme`` or one of them.

    They are as of `significance.paired_comparisons` or `published_comparisons`. Columns are ``claim``,
    ``verdict``, whether it holds, and ``evidence``, the numbers that say so in a sentence or two.
    """
    splits = int(compared["splits"].max())
    if splits == 1:
        sentence = f"One split tells no difference from chance: it takes {FEWEST_SPLITS}, and better ten."
        verdicts = [(claim, TOO_SHORT, sentence) for claim in CLAIMS]
    else:
        ours = of_pairs(compared, pairs)
        own = compared[compared["question"] == "own"]
        verdicts = [(claim, *decide(pd.concat([own, ours]))) for claim, decide in CLAIMS.items()]
    judged = pd.DataFrame(verdicts, columns=["claim", "verdict", "evidence"])
    return judged.assign(verdict=TOO_SHORT) if too_short(splits) else judged


def too_short(splits: int) -> str | None:
    """Why an experiment of so many splits judges nothing; None if there are enough."""
    if splits >= FEWEST_SPLITS:
        return None
    return f"{TOO_SHORT} ({counted(splits, 'split')}; it takes {FEWEST_SPLITS}, and better ten)"


def claims_table(compared: pd.DataFrame, *, published: pd.DataFrame | None, pairs: Sequence[str]) -> Table:
    """Verdict on every claim, from our comparisons and from those of the published means."""
    cells = judge_claims(compared, pairs=pairs)
    if published is not None and len(published):
        theirs = judge_claims(published, pairs=pairs)
        cells[["published verdict", "published evidence"]] = theirs[["verdict", "evidence"]]
    return Table(cells, cells, f"Claims of {STUDY}. {RULE.format(test=PAIRED_RULE)}", "tab:claims")


def published_claims_table(published: pd.DataFrame) -> Table:
    """Verdict on every claim from the published means and standard deviations alone."""
    adapted = published[published["shots"] > 0]
    pairs = list(dict.fromkeys(adapted["source"] + "-to-" + adapted["target"]))
    methods = list(dict.fromkeys(adapted["method"]))
    cells = judge_claims(published_comparisons(published, pairs=pairs, methods=methods), pairs=pairs)
    test = (
        f"Welch's t-test of means and F-test of standard deviations over {PUBLISHED_SPLITS} splits, the "
        "single splits not being published, p-values corrected for the rate of false discoveries"
    )
    caption = f"Claims of {STUDY}, judged on their published means. {RULE.format(test=test)}"
    return Table(cells, cells, caption, "tab:published-claims")


def _own_survey(compared: pd.DataFrame) -> Verdict:
    own = compared[compared["question"] == "own"]
    verdict, count = judge(own, sign=1, cases="surveys")
    numbers = (OWN_ACCURACY + own.set_index("source")["difference"]).sort_values()
    texts = ", ".join(f"{survey} {value:.3f}" for survey, value in numbers.items())
    return Verdict(verdict, f"The baseline is above {OWN_ACCURACY:g} in {count}: {texts}.")


def _worse_on_the_target(compared: pd.DataFrame, *, question: str, against: str) -> Verdict:
    drops = compared[compared["question"] == question]
    if drops.empty:
        return Verdict(UNDECIDED, "The experiment does not train a baseline of every target.")
    verdict, count = judge(drops, sign=-1)
    lost = -drops["difference"]
    return Verdict(
        verdict,
        f"The baseline is worse on the target {against} in {count}, by {lost.mean():.3f} on average "
        f"({lost.min():.3f} to {lost.max():.3f}).",
    )


def _des_hits_mildest(compared: pd.DataFrame) -> Verdict:
    shifts = compared[compared["question"] == "shift"]
    surveys = [" and ".join(sorted(pair)) for pair in zip(shifts["source"], shifts["target"], strict=True)]
    means = (-shifts["difference"]).groupby(surveys).mean().sort_values()
    if "DES and HiTS" not in means.index or len(means) < 2:
        return Verdict(UNDECIDED, "The experiment does not compare DES and HiTS with other surveys.")
    texts = ", ".join(f"{pair} {drop:.3f}" for pair, drop in means.items())
    verdict = HOLDS if means.index[0] == "DES and HiTS" else FAILS
    return Verdict(verdict, f"Mean drop of both directions: {texts}.")


def _direction_matters(compared: pd.DataFrame) -> Verdict:
    reverse = compared[compared["question"] == "direction"]
    if reverse.empty:
        return Verdict(UNDECIDED, "The experiment has no pair in both directions.")
    verdict, count = judge_either_sign(reverse, cases="pairs of surveys")
    return Verdict(
        verdict,
        "On its target the baseline differs from that of the reverse direction, beyond chance, in "
        f"{count}: {listed(reverse)}.",
    )


def _few_shots_beat_the_baseline(compared: pd.DataFrame, *, method: str, most: int) -> Verdict:
    gains = compared[(compared["question"] == "gain") & (compared["method"] == method)]
    few = gains.loc[gains["shots"].between(1, most), "shots"]
    if few.empty:
        return Verdict(UNDECIDED, f"The experiment has no run of {method_name(method)} with so few shots.")
    never = sum(shots_needed(of_pair) is None for _, of_pair in gains.groupby(["source", "target"]))
    at_few = gains[gains["shots"] == few.max()]
    verdict, count = judge(at_few, sign=1)
    with_shots = f"With {counted(few.max(), 'shot')} {method_name(method)}"
    evidence = (
        f"{with_shots} is better on the target in {count}, by {at_few['difference'].mean():+.3f} on average"
    )
    return Verdict(
        verdict,
        evidence
        + (f"; in {counted(never, 'pair')} with no number of shots beyond chance." if never else "."),
    )


def _finetuning_ahead(compared: pd.DataFrame) -> Verdict:
    between, most = _mme_against_finetuning(compared, "methods")
    ahead = of_pairs(between[between["evaluated_on"] == between["target"]], FINETUNING_AHEAD)
    if ahead.empty:
        return Verdict(UNDECIDED, "The experiment lacks these pairs, or runs of fine-tuning or of MME.")
    verdict, count = judge(ahead, sign=-1)
    texts = listed(ahead.assign(difference=-ahead["difference"]))
    return Verdict(
        verdict, f"With {counted(most, 'shot')} fine-tuning is better on the target in {count}: {texts}."
    )


def _mme_keeps_the_source(compared: pd.DataFrame) -> Verdict:
    between, most = _mme_against_finetuning(compared, "methods")
    both = between[between["evaluated_on"] == between["source"]]
    if both.empty:
        return Verdict(UNDECIDED, "The experiment lacks runs of fine-tuning or of MME.")
    verdict, count = judge(both, sign=1)
    losses, _ = _at_most_shots(compared, "loss")
    mean = losses.groupby("method")["difference"].mean()
    return Verdict(
        verdict,
        f"After {counted(most, 'shot')} MME is better than fine-tuning on the source in {count}; against "
        f"the baseline there MME changes by {mean['mme']:+.3f} on average, fine-tuning by "
        f"{mean['finetune']:+.3f}.",
    )


def _mme_scatters_less(compared: pd.DataFrame) -> Verdict:
    between, most = _mme_against_finetuning(compared, "spread")
    both = between[between["evaluated_on"] == between["source"]]
    if both.empty:
        return Verdict(UNDECIDED, "The experiment lacks runs of fine-tuning or of MME.")
    verdict, count = judge(both, sign=-1)
    return Verdict(
        verdict,
        f"After {counted(most, 'shot')} the standard deviation over splits on the source is smaller with MME "
        f"than with fine-tuning in {count}, by {-both['difference'].mean():.3f} on average.",
    )


def _finetuning_loses_the_source(compared: pd.DataFrame) -> Verdict:
    losses, most = _at_most_shots(compared, "loss")
    ours = losses[losses["method"] == "finetune"]
    if ours.empty:
        return Verdict(UNDECIDED, "The experiment has no run of fine-tuning.")
    verdict, count = judge(ours, sign=-1)
    return Verdict(
        verdict,
        f"After {counted(most, 'shot')} the fine-tuned model is worse on the source than the baseline in "
        f"{count}, by {-ours['difference'].mean():.3f} on average.",
    )


CLAIMS: dict[str, Judge] = {
    "A classifier trained on one survey fails on another: domain shift everywhere.": partial(
        _worse_on_the_target, question="shift", against="than on its own survey"
    ),
    f"Within its own survey the baseline is above {OWN_ACCURACY:g}.": _own_survey,
    "A classifier of another survey is worse than one trained on the target.": partial(
        _worse_on_the_target, question="native", against="than the target's own baseline"
    ),
    "The shift between DES and HiTS, of one camera, is the mildest.": _des_hits_mildest,
    "The shift between two surveys depends on its direction.": _direction_matters,
    "Fine-tuning beats the baseline on the target with as few as one labelled stamp per class.": partial(
        _few_shots_beat_the_baseline, method="finetune", most=1
    ),
    "Fine-tuning beats the baseline on the target with few shots.": partial(
        _few_shots_beat_the_baseline, method="finetune", most=FEW_SHOTS
    ),
    "MME beats the baseline on the target with as few as one labelled stamp per class.": partial(
        _few_shots_beat_the_baseline, method="mme", most=1
    ),
    "MME beats the baseline on the target with few shots.": partial(
        _few_shots_beat_the_baseline, method="mme", most=FEW_SHOTS
    ),
    "From ATLAS to ZTF, ZTF to HiTS and ZTF to ATLAS fine-tuning beats MME on the target.": _finetuning_ahead,
    "MME keeps the accuracy on the source better than fine-tuning.": _mme_keeps_the_source,
    "MME's accuracy on the source scatters less over splits than fine-tuning's.": _mme_scatters_less,
    "Fine-tuning loses accuracy on the source.": _finetuning_loses_the_source,
}


def _mme_against_finetuning(compared: pd.DataFrame, question: str) -> tuple[pd.DataFrame, int]:
    """Comparisons of MME with fine-tuning at the most shots, whatever the order of the two in the config."""
    asked, most = _at_most_shots(compared, question)
    both = asked[asked[["method", "against"]].isin(["finetune", "mme"]).all(axis=1)]
    sign = np.where(both["method"] == "mme", 1, -1)
    return both.assign(difference=sign * both["difference"]), most


def _at_most_shots(compared: pd.DataFrame, question: str) -> tuple[pd.DataFrame, int]:
    asked = compared[compared["question"] == question]
    most = int(asked["shots"].max()) if len(asked) else 0
    return asked[asked["shots"] == most], most
