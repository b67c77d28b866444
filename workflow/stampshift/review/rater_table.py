"""How fast each rater is, and how often right about stamps whose answer is known."""

import pandas as pd

from stampshift.review.raters import folded, rater_name
from stampshift.review.vote_store import UNDO, SavedVote, VoteStore
from stampshift.review.votes import SKIP
from stampshift.stamps.file import LABELS


def first_answers(gold: pd.DataFrame) -> pd.DataFrame:
    """The first vote of every rater on every gold stamp, skips left out, of `VoteStore.gold_votes`.

    Whatever a rater says later may be said because of the first answer's reception.
    """
    voted = gold[gold["vote"].isin(list(LABELS))]
    return voted[~voted.assign(rater=voted["rater"].map(folded)).duplicated(["id", "rater"])]


def rater_table(store: VoteStore) -> pd.DataFrame:
    """A row per rater, sorted by ``rater``, the name as it was first spelled.

    ``votes`` are those that stand, ``skips`` among them; ``gold_seen`` and ``gold_right`` count the first
    answers on gold stamps, none of which is among the votes. ``median_seconds`` is the time from the stamps
    on the screen to the vote, withdrawn votes and gold stamps included, NaN where none was timed.
    """
    gold, standing = store.gold_votes(), store.standing()
    saved = pd.DataFrame(store.after(0), columns=list(SavedVote._fields))
    given = pd.concat([saved, gold])[["rater", "vote", "seconds"]]
    given = given[given["vote"] != UNDO].astype({"seconds": float})
    first = first_answers(gold)

    def count(table: pd.DataFrame) -> "pd.Series[int]":
        return table["rater"].map(folded).value_counts()

    columns = {
        "votes": count(standing),
        "skips": count(standing[standing["vote"] == SKIP]),
        "gold_seen": count(first),
        "gold_right": count(first[first["vote"] == first["answer"]]),
    }
    by_rater = given.groupby(given["rater"].map(folded))
    table = pd.DataFrame({"rater": by_rater["rater"].first().map(rater_name)})
    for name, counts in columns.items():
        table[name] = counts.reindex(table.index, fill_value=0)
    table["median_seconds"] = by_rater["seconds"].median().round(2)
    return table.reset_index(drop=True).sort_values("rater", ignore_index=True)
