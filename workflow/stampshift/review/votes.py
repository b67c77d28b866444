"""What the votes of several raters say: majorities with a margin, and agreement beyond chance."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from stampshift.core.errors import ContractError
from stampshift.stamps.file import LABELS

SKIP = "skip"
WORDS = (*LABELS, SKIP)
COLUMNS = ("id", "rater", "vote", "time")


def last_votes(votes: pd.DataFrame) -> pd.DataFrame:
    """The last vote of every rater on every candidate, in the order of time.

    Parameters
    ----------
    votes
        Columns id, rater, vote (real, bogus or skip) and time (ISO 8601), a row per vote.

    Raises
    ------
    ContractError
        On a missing column, a word that is no vote, or a time that is none.
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


def majority(votes: pd.DataFrame, *, margin: int) -> pd.DataFrame:
    """What the majority calls each candidate, where it leads by at least `margin` votes.

    The last vote of a rater on a candidate counts; a skip counts for nothing, so that skipping withdraws
    what the rater said before.

    Parameters
    ----------
    votes
        Columns id, rater, vote (real, bogus or skip) and time (ISO 8601), a row per vote.
    margin
        Votes by which the majority must lead; 2 in the DECAT survey (Ayyar et al. 2022).

    Returns
    -------
    pandas.DataFrame
        A row per candidate with any vote, sorted by id: id; votes and real_votes, counts (int64); label,
        ``"real"``, ``"bogus"`` or ``""`` where undecided; unanimous (bool), true where there are votes and
        they all agree.
    """
    last = last_votes(votes)
    words = {word: (last["vote"] == word).astype(int) for word in LABELS}
    counts = pd.DataFrame({"id": last["id"], **words}).groupby("id").sum()
    lead = (counts["real"] - counts["bogus"]).to_numpy()
    total = (counts["real"] + counts["bogus"]).to_numpy()
    return pd.DataFrame(
        {
            "id": counts.index,
            "votes": total,
            "real_votes": counts["real"].to_numpy(),
            "label": np.select([lead >= margin, -lead >= margin], ["real", "bogus"], ""),
            "unanimous": (total > 0) & (np.abs(lead) == total),
        }
    )


def agreement(votes: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Agreement of raters beyond chance, skips left out.

    Parameters
    ----------
    votes
        As for `majority`.

    Returns
    -------
    dict
        ``cohen``: Cohen's (1960) kappa of every pair of raters with candidates in common, items with
        raters (two names), candidates and kappa. ``fleiss``: Fleiss' (1971) kappa, which needs equally many
        votes on every candidate, for every such number of votes from 2, items with votes, candidates and
        kappa. A kappa is None where all votes are the same: chance alone would agree as well.
    """
    last = last_votes(votes)
    cast = last[last["vote"] != SKIP]
    return {"cohen": _cohen(cast), "fleiss": _fleiss(cast)}


def _cohen(cast: pd.DataFrame) -> list[dict[str, Any]]:
    by_rater = {str(rater): part.set_index("id")["vote"] for rater, part in cast.groupby("rater")}
    pairs = []
    for one, other in combinations(by_rater, 2):
        both = pd.concat([by_rater[one], by_rater[other]], axis=1, join="inner").to_numpy()
        if len(both) == 0:
            continue
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
