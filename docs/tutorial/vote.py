"""Simulated people vote on a review, each a tenth wrong: `vote.py STAMPS VOTES LABELS`.

They are asked as the page asks people: three about every candidate, two more where they disagree, then Eve.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.review.asking import Asking
from stampshift.review.queue import Queue
from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore

PEOPLE = ("Ann", "Bob", "Cyd", "Dan", "Fay", "Eve")
WRONG = 0.1

stamps, votes, labels = map(Path, sys.argv[1:])
truth = pd.read_csv(labels, dtype=str, index_col="id")["label"] == "real"
rng = np.random.default_rng(0)
review = open_review(stamps, stamps=None)
asking = Asking.of(raters=3, most=5, margin=2, adjudicator="Eve")
with VoteStore.open(votes, review) as store:
    queue = Queue(review, store, asking=asking)
    for person in PEOPLE:
        for number, candidate in enumerate(queue.next(person, len(review.candidates), held=())):
            real = truth[candidate.id] ^ (rng.random() < WRONG)
            key = f"{person}-{number:012}"
            store.add(key=key, id=candidate.id, rater=person, vote="real" if real else "bogus")
    done = queue.progress("Eve")
print(f"{done['votes']} votes, {done['complete']} of {done['candidates']} candidates complete")
