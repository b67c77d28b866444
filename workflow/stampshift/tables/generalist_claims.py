"""Claims on sources of several surveys, by the rule of `tables.verdicts`."""

from collections.abc import Iterator, Sequence

import pandas as pd

from stampshift.tables.claims import RULE, too_short
from stampshift.tables.generalist import of_question
from stampshift.tables.significance import PAIRED_RULE
from stampshift.tables.verdicts import TOO_SHORT, UNDECIDED, Verdict, judge
from stampshift.tables.wording import counted, method_name
from stampshift.tables.writing import Table

NO_RUN = "The experiment has no such run."


def generalist_claims(compared: pd.DataFrame, *, methods: Sequence[str]) -> pd.DataFrame:
    """Judge every claim on comparisons of `generalist.generalist_comparisons`.

    Columns are as of `claims.judge_claims`: ``claim``, ``verdict`` and ``evidence``.
    """
    judged = pd.DataFrame(
        [(claim, *verdict) for claim, verdict in _claims(compared, methods)],
        columns=["claim", "verdict", "evidence"],
    )
    splits = int(compared["splits"].max()) if len(compared) else 0
    return judged.assign(verdict=TOO_SHORT) if splits and too_short(splits) else judged


def generalist_claims_table(compared: pd.DataFrame, *, methods: Sequence[str]) -> Table:
    """Verdict on every claim."""
    cells = generalist_claims(compared, methods=methods)
    caption = f"Claims on sources of several surveys. {RULE.format(test=PAIRED_RULE)}"
    return Table(cells, cells, caption, "tab:generalist-claims")


def _claims(compared: pd.DataFrame, methods: Sequence[str]) -> Iterator[tuple[str, Verdict]]:
    specialist, new = of_question(compared, "specialist"), of_question(compared, "new")
    yield (
        "A model of several surveys is worse on each of them than the specialist of that survey.",
        _judged(specialist, sign=-1, cases="surveys", what="The model of several surveys is worse"),
    )
    yield (
        "On a new survey, without a label, a model of several surveys is better than the best single source.",
        _judged(new, sign=1, cases="new surveys", what="The model of several surveys is better"),
    )
    for method in methods:
        name = method_name(method)
        adapted = of_question(compared, "adapted")
        own = adapted[(adapted["method"] == method) & (adapted["shots"] > 0)]
        for words, chosen in (("fewest", own["shots"].min()), ("most", own["shots"].max())):
            yield (
                f"On a new survey {name} with the {words} shots is better from several surveys than from "
                "the best single one.",
                _judged(
                    own[own["shots"] == chosen],
                    sign=1,
                    cases="new surveys",
                    what=f"{_with(chosen)} it is better",
                ),
            )
    for method in methods:
        kept = _at_most_shots(of_question(compared, "kept"), method)
        yield (
            f"{_sentence(method_name(method))} from several surveys loses accuracy on those "
            "that are not the target.",
            _judged(
                kept, sign=-1, cases="source surveys", what=f"{_with(kept['shots'].max())} the model is worse"
            ),
        )
    keeping = of_question(compared, "keeping")
    both = keeping[keeping[["method", "against"]].isin(["finetune", "mme"]).all(axis=1)]
    both = _at_most_shots(both, *dict.fromkeys(both["method"]))
    sign = 1 if "mme" in set(both["method"]) else -1
    yield (
        "MME keeps the surveys of a source of several better than fine-tuning.",
        _judged(
            both.assign(difference=sign * both["difference"]),
            sign=1,
            cases="source surveys",
            what=f"{_with(both['shots'].max())} MME is better",
        ),
    )


def _judged(compared: pd.DataFrame, *, sign: int, cases: str, what: str) -> Verdict:
    if compared.empty:
        return Verdict(UNDECIDED, NO_RUN)
    verdict, count = judge(compared, sign=sign, cases=cases)
    towards = sign * compared["difference"]
    return Verdict(
        verdict,
        f"{what} in {count}, by {towards.mean():.3f} on average ({towards.min():.3f} to "
        f"{towards.max():.3f}).",
    )


def _at_most_shots(compared: pd.DataFrame, *methods: str) -> pd.DataFrame:
    own = compared[compared["method"].isin(methods)]
    return own[own["shots"] == own["shots"].max()]


def _with(shots: float) -> str:
    return "" if pd.isna(shots) else f"With {counted(int(shots), 'shot')}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
