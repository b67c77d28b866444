"""Votes of people on candidates: read or simulated, their majorities with a margin, their agreement.

A table of votes has the columns ``id``, ``rater``, ``vote`` (real, bogus or skip) and ``time`` (ISO 8601),
a row per vote; the review page exports it as CSV. The last vote of a rater on a candidate counts; a skip
counts for nothing, so that skipping withdraws what the rater said before.
"""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from stampshift.core.errors import ContractError
from stampshift.review.raters import folded, one_spelling
from stampshift.stamps.file import LABEL_NAMES, LABELS, Stamps

SKIP = "skip"
WORDS = (*LABELS, SKIP)
COLUMNS = ("id", "rater", "vote", "time")
# part of the random stream: no other one of the project begins with it
STREAM = 0x52415445
FIRST_VOTE = pd.Timestamp("2000-01-01T00:00:00Z")  # of no night in particular: the votes are made up
SECONDS_PER_VOTE = 4


@dataclass(frozen=True)
class Rule:
    """When votes decide a candidate.

    At least `min_votes` people have voted on it, and the majority leads by `margin` votes: 3 and 2 in the
    DECAT survey (Ayyar et al. 2022). Where so many have voted and none leads by the margin, the adjudicator's
    vote decides, if there is one; it is none of the votes that are counted.
    """

    margin: int
    min_votes: int
    adjudicator: str | None = None  # a rater's name, in any spelling


def read_votes(path: Path, stamps: Stamps, *, remedy: str) -> pd.DataFrame:
    """Read the votes of people on stamps of a survey; the columns are str, in the file's order.

    A rater's name has one spelling (`one_spelling`).

    Raises a `ContractError` if the file is missing, which `remedy` is for, `last_votes` refuses its votes, or
    it holds the same vote twice, an unnamed rater, or a candidate that the survey does not have.
    """
    if not path.is_file():
        raise ContractError(f"{path} does not exist: there are no votes on {stamps.survey}. {remedy}")
    try:
        votes = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise ContractError(
            f"{path}: expected a CSV table of votes with the columns {', '.join(COLUMNS)}, but it cannot be "
            f"read as one ({error}). Export the votes of `stampshift review` there."
        ) from error
    try:
        last_votes(votes)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
    votes["rater"] = one_spelling(votes["rater"])
    for wrong, what in (
        (votes.duplicated(["id", "rater", "time"]), "a vote of the same rater at the same time twice"),
        (~votes["id"].isin(stamps.ids), f"a vote on no candidate of {stamps.survey}"),
        (votes["rater"] == "", "a vote of no rater"),
    ):
        if wrong.any():
            line = votes[wrong].iloc[0]
            raise ContractError(
                f"{path}: {what}: candidate '{line['id']}', rater '{line['rater']}', {line['time']} "
                f"({int(wrong.sum())} in all). Correct the file, or export the votes again."
            )
    return votes[list(COLUMNS)]


def simulate_votes(
    ids: NDArray[np.str_],
    truth: NDArray[np.uint8],
    *,
    raters: int,
    votes_per_candidate: int,
    error_rate: float,
    seed: int,
) -> pd.DataFrame:
    """Votes of simulated raters, ``rater-1`` and so on, who know the true labels and err at a known rate.

    `ids` and `truth`, 1 real and 0 bogus, are those of the candidates (N,).

    Every candidate is judged by as many raters, drawn at random. Times are made up, a few seconds apart.
    """
    rng = np.random.default_rng([STREAM, seed])
    chosen = rng.random((len(ids), raters)).argsort(axis=1)[:, :votes_per_candidate]  # (N, votes)
    wrong = rng.random(chosen.shape) < error_rate
    said = np.where(wrong, 1 - truth[:, np.newaxis], truth[:, np.newaxis])
    seconds = pd.to_timedelta(SECONDS_PER_VOTE * np.arange(chosen.size), unit="s")
    return pd.DataFrame(
        {
            "id": np.repeat(ids.astype(object), votes_per_candidate),
            "rater": [f"rater-{number + 1}" for number in chosen.ravel()],
            "vote": [LABEL_NAMES[code] for code in said.ravel()],
            "time": (FIRST_VOTE + seconds).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


def last_votes(votes: pd.DataFrame) -> pd.DataFrame:
    """The last vote of every rater on every candidate, in the order of time.

    A missing column, a word that is no vote, or a time that is none raises a `ContractError`.
    """
    missing = [name for name in COLUMNS if name not in votes]
    if missing:
        raise ContractError(f"votes: columns {', '.join(COLUMNS)} are needed; {', '.join(missing)} missing.")
    unknown = sorted(set(map(str, votes["vote"])) - set(WORDS))
    if unknown:
        raise ContractError(f"votes: a vote is one of {', '.join(WORDS)}; found {', '.join(unknown)}.")
    try:
        times = pd.to_datetime(votes["time"], utc=True, format="ISO8601")
    except ValueError as error:
        raise ContractError(f"votes: a time is not ISO 8601: {error}.") from error
    in_order = votes.loc[times.sort_values(kind="stable").index, list(COLUMNS)]
    return in_order.drop_duplicates(["id", "rater"], keep="last")


def majority(votes: pd.DataFrame, *, rule: Rule) -> pd.DataFrame:
    """What a rule makes of the votes on each candidate.

    A row per candidate with any vote or skip, sorted by ``id``: ``votes`` and ``real_votes``, counts without
    the adjudicator (int64); ``label``, ``"real"``, ``"bogus"`` or ``""`` where undecided; ``unanimous``
    (bool), true where there are votes and they all agree; ``adjudicated`` (bool), true where the
    adjudicator's vote decided.
    """
    last = last_votes(votes)
    apart = _is_adjudicator(last["rater"], rule)
    words = {word: ((last["vote"] == word) & ~apart).astype(int) for word in LABELS}
    counts = pd.DataFrame({"id": last["id"], **words}).groupby("id").sum()
    lead, total = counts["real"] - counts["bogus"], counts["real"] + counts["bogus"]
    enough = total >= rule.min_votes
    led = np.select([enough & (lead >= rule.margin), enough & (-lead >= rule.margin)], ["real", "bogus"], "")
    said = last[apart & last["vote"].isin(list(LABELS))].set_index("id")["vote"].reindex(counts.index)
    adjudicated = enough & (led == "") & said.notna()
    columns = {
        "votes": total,
        "real_votes": counts["real"],
        "label": np.where(adjudicated, said, led),
        "unanimous": (total > 0) & (lead.abs() == total),
        "adjudicated": adjudicated,
    }
    return pd.DataFrame(columns, index=counts.index).reset_index()


def agreement(votes: pd.DataFrame, *, rule: Rule) -> dict[str, list[dict[str, Any]]]:
    """Agreement of raters beyond chance, skips and the adjudicator left out.

    Of each candidate only the first votes count, as many as the rule asks for (at least two). Later ones are
    asked for only where people disagree, so that numbers of votes would sort candidates by agreement.
    ``cohen`` holds Cohen's (1960) kappa of every pair of raters with candidates in common, ``fleiss`` Fleiss'
    (1971) kappa of the candidates with 2 such votes, with 3, and so on. A kappa is None where all votes are
    the same: chance alone would agree as well.
    """
    last = last_votes(votes)
    cast = last[(last["vote"] != SKIP) & ~_is_adjudicator(last["rater"], rule)]
    first = cast.groupby("id").head(max(2, rule.min_votes))
    return {"cohen": _cohen(first), "fleiss": _fleiss(first)}


def _is_adjudicator(raters: pd.Series, rule: Rule) -> pd.Series:
    if rule.adjudicator is None:
        return pd.Series(data=False, index=raters.index)
    return raters.map(folded) == folded(rule.adjudicator)


def _cohen(cast: pd.DataFrame) -> list[dict[str, Any]]:
    by_rater = {str(rater): part.set_index("id")["vote"] for rater, part in cast.groupby("rater")}
    pairs = []
    for one, other in combinations(by_rater, 2):
        both = pd.concat([by_rater[one], by_rater[other]], axis=1, join="inner").to_numpy()
        if len(both):
            # where both gave one and the same word throughout, kappa is 0/0
            kappa = float(cohen_kappa_score(*both.T)) if len(np.unique(both)) > 1 else None
            pairs.append({"raters": [one, other], "candidates": len(both), "kappa": kappa})
    return pairs


def _fleiss(cast: pd.DataFrame) -> list[dict[str, Any]]:
    real = (cast["vote"] == "real").groupby(cast["id"]).agg(["sum", "size"])
    groups = []
    for votes, part in real[real["size"] > 1].groupby("size"):
        table = np.column_stack([part["sum"], part["size"] - part["sum"]])  # (candidates, real and bogus)
        kappa = float(fleiss_kappa(table)) if table.any(axis=0).all() else None
        groups.append({"votes": int(str(votes)), "candidates": len(part), "kappa": kappa})
    return groups
