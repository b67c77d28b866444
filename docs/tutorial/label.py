"""Whoever labels candidates and is always right: `label.py CANDIDATES STAMPS VOTES LABELS`.

In place of the page of `stampshift review`, on simulated alerts, whose true labels are known.
"""

import sys
from pathlib import Path

import pandas as pd

from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore

candidates, stamps, votes, labels = map(Path, sys.argv[1:])
truth = pd.read_csv(labels, dtype=str, index_col="id")["label"]
review = open_review(candidates, stamps=stamps)
with VoteStore.open(votes, review) as store:
    for number, name in enumerate(review.candidates):
        store.add(key=f"truth-{number:012}", id=name, rater="truth", vote=truth[name])
counts = truth[list(review.candidates)].value_counts()
print(", ".join(f"{count} {label}" for label, count in counts.sort_index(ascending=False).items()))
