"""Tables of decisions: shots needed to beat the baseline, and which method is better from which number."""

from collections.abc import Iterable, Sequence

import pandas as pd

from stampshift.tables.significance import ALPHA, PAIRED_RULE
from stampshift.tables.wording import THESIS, counted, method_name, pair_title
from stampshift.tables.writing import DASH, Table


def shots_to_beat_table(compared: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> Table:
    """Labelled target stamps per class that a method needs to beat the baseline, as Table 26 of the thesis.

    Comparisons are as of `significance.paired_comparisons`; a line per pair, a column per method.
    """
    gains = compared[compared["question"] == "gain"]
    cells = {"source to target": list(map(pair_title, pairs))}
    for method in methods:
        ours = gains[gains["method"] == method]
        cells[method_name(method)] = [_needed_text(of_pair(ours, pair)) for pair in pairs]
    caption = (
        "Smallest number of labelled target stamps per class at which, and at every larger number, "
        "the adapted model beats the baseline on the target; in brackets the mean difference of balanced "
        "accuracy at that number and its 95% bootstrap interval over splits. "
        f"Rule: {PAIRED_RULE}. Published: Table 26 of {THESIS}."
    )
    return Table(gains, pd.DataFrame(cells), caption, "tab:shots-to-beat-baseline")


def winner_table(compared: pd.DataFrame, *, pairs: Sequence[str]) -> Table:
    """Which method is better on the source and on the target, as Table 27 of the thesis."""
    methods = compared[compared["question"] == "methods"]
    cells = {"source to target": list(map(pair_title, pairs))}
    for where in ("source", "target"):
        here = methods[methods["evaluated_on"] == methods[where]]
        cells[f"on {where}"] = [winner_text(of_pair(here, pair)) for pair in pairs]
    caption = (
        "Method with the higher balanced accuracy on the source and on the target, and the numbers of "
        f"labelled target stamps per class at which it is. Rule: {PAIRED_RULE}. "
        f"Published: Table 27 of {THESIS}."
    )
    return Table(methods, pd.DataFrame(cells), caption, "tab:winner")


def shots_needed(compared: pd.DataFrame) -> int | None:
    """Smallest number of shots from which on every comparison is won; None if the largest is not.

    Comparisons are of one method with one other in one pair, one line per number of shots.
    """
    last_not_won = compared.loc[~won(compared, sign=1), "shots"].max()  # NaN if all are
    from_there_on = compared.loc[~(compared["shots"] <= last_not_won), "shots"]
    return int(from_there_on.min()) if len(from_there_on) else None


def won(compared: pd.DataFrame, *, sign: int) -> pd.Series:
    """Whether each comparison's difference has this sign (1 or -1) beyond chance."""
    return (compared["p_corrected"] < ALPHA) & (compared["difference"] * sign > 0)


def winner_text(compared: pd.DataFrame) -> str:
    """Which method is better than every other at which numbers of shots, of one pair and survey, in words."""
    wins: dict[str, list[int]] = {}
    for shots, rows in compared.groupby("shots"):
        for name in sorted({*rows["method"], *rows["against"]}):
            first, second = rows[rows["method"] == name], rows[rows["against"] == name]
            if won(first, sign=1).all() and won(second, sign=-1).all():
                wins.setdefault(name, []).append(int(str(shots)))
    shown = {name: range_text(numbers, of=set(compared["shots"])) for name, numbers in wins.items()}
    return "; ".join(f"{method_name(name)} {text}".strip() for name, text in shown.items()) or "none"


def range_text(some: Iterable[int], *, of: Iterable[int]) -> str:
    """Put into words some of the numbers of shots; empty where it is all of them."""
    some, of = sorted(some), sorted(of)
    if some == of:
        return ""
    if len(some) == 1 and some != of[-1:]:
        return f"at {counted(some[0], 'shot')} only"
    if some == of[-len(some) :]:
        return f"from {some[0]} shots"
    if some == of[: len(some)]:
        return f"up to {some[-1]} shots"
    return f"at {', '.join(map(str, some))} shots"


def of_pair(compared: pd.DataFrame, pair: str) -> pd.DataFrame:
    """Comparisons of one pair."""
    return compared[compared["source"] + "-to-" + compared["target"] == pair]


def _needed_text(compared: pd.DataFrame) -> str:
    needed = shots_needed(compared)
    if needed is None:
        return DASH
    row = compared[compared["shots"] == needed].iloc[0]
    interval = "" if pd.isna(row["low"]) else f", {row['low']:+.3f} to {row['high']:+.3f}"
    return f"{needed} ({row['difference']:+.3f}{interval})"
