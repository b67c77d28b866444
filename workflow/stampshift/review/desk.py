"""What the page is told and what it says: candidates with gold stamps among them, votes, results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from stampshift.review.gold import Gold
from stampshift.review.queue import Queue
from stampshift.review.rater_table import first_answers, rater_table
from stampshift.review.raters import folded
from stampshift.review.reviewed import Candidate, Review
from stampshift.review.sky import described
from stampshift.review.vote_store import VoteStore
from stampshift.stamps.file import LABEL_NAMES
from stampshift.stamps.metadata import of_row

NO_RESULT = {"votes": 0, "skips": 0, "gold_seen": 0, "gold_right": 0, "median_seconds": None}


@dataclass(frozen=True)
class Desk:
    """One review as JSON content for its page; raters are named in any spelling."""

    review: Review
    store: VoteStore
    queue: Queue
    gold: Gold

    @property
    def fingerprint(self) -> str:
        """That of the review."""
        return self.review.fingerprint

    @property
    def wide_digest(self) -> str:
        """That of what the stamps file shows beside its stamps, which the review's does not cover."""
        return str(self.review.stamps.attributes.get("shown", {}).get("digest", ""))[:16]

    def about(self) -> dict[str, Any]:
        """What holds for all raters."""
        wide = self.review.shown.context
        return {
            "survey": self.review.survey,
            "simulated": self.review.simulated,
            "fingerprint": self.fingerprint,
            "size": self.review.stamps.stamps.shape[-1],
            "wide": None if wide is None else {"size": wide.shape[-1], "digest": self.wide_digest},
            "examples": len(self.gold.examples),
            "gold": bool(self.gold.mixed),
            "raters": self.queue.raters(),
        }

    def examples(self) -> list[dict[str, Any]]:
        """The examples with their answers."""
        return [self._blind(known.candidate) | {"answer": known.answer} for known in self.gold.examples]

    def next(self, rater: str, count: int, *, held: Collection[str], reveal: bool) -> list[dict[str, Any]]:
        """The next candidates of a rater, `count` or a few more with the gold stamps among them.

        Label and score are told before the vote with `reveal`, unless gold stamps are mixed in: their answers
        must not be told, and nothing may tell them from candidates.
        """
        chosen = self.queue.next(rater, count, held=held)
        if not self.gold.mixed:
            return [self._blind(each) | (_revealed(each) if reveal else {}) for each in chosen]
        seen = self.store.gold_seen(rater) | set(held) & self.gold.mixed.keys()
        before = self.queue.progress(rater)["mine"] + len(set(held) - self.gold.mixed.keys())
        return [
            self._blind(each) for each in self.gold.mixed_into(chosen, rater=rater, before=before, seen=seen)
        ]

    def progress(self, rater: str) -> dict[str, int]:
        """That of the queue; gold stamps count among what the rater has done, as if they were candidates."""
        found = self.queue.progress(rater)
        return found | {"mine": found["mine"] + (len(self.store.gold_seen(rater)) if self.gold.mixed else 0)}

    def last(self, rater: str, count: int) -> list[dict[str, Any]]:
        """The rater's last candidates with their standing votes, the latest first."""
        return [self._voted(candidate, vote) for candidate, vote in self.queue.last(rater, count)]

    def take(
        self, *, key: str, id: str, rater: str, vote: str, tags: Sequence[str], seconds: float | None
    ) -> dict[str, Any] | None:
        """Save a vote, on disk when this returns; None if it is on no stamp of this review.

        Raises what `VoteStore.add` raises.
        """
        known = self.gold.mixed.get(id)
        if known is not None:
            self.store.add_gold(key=key, id=id, answer=known.answer, rater=rater, vote=vote, seconds=seconds)
            return {"candidate": self._voted(known.candidate, vote)}
        if id not in self.review.labels:
            return None
        saved = self.store.add(key=key, id=id, rater=rater, vote=vote, tags=tags, seconds=seconds)
        # one that waited in a browser may be among those that are not asked about any more
        candidate = self.review.candidates.get(id)
        told = {"id": id, "vote": saved.vote} if candidate is None else self._voted(candidate, saved.vote)
        return {"candidate": told, "time": saved.time}

    def result(self, rater: str) -> dict[str, Any]:
        """How the rater does: the row of `rater_table`, and the gold stamps first taken for another class."""
        own = folded(rater)
        row: dict[str, Any] = {"rater": rater, **NO_RESULT}
        table = rater_table(self.store)
        for values in table[table["rater"].map(folded) == own].to_numpy().tolist():
            row = dict(zip(map(str, table), values, strict=True))
            row["median_seconds"] = None if isnan(row["median_seconds"]) else row["median_seconds"]
        first = first_answers(self.store.gold_votes())
        wrong = first[(first["rater"].map(folded) == own) & (first["vote"] != first["answer"])]
        missed = [
            self._blind(self.gold.mixed[name].candidate) | {"answer": answer, "vote": vote}
            for name, answer, vote in wrong[["id", "answer", "vote"]].to_numpy().tolist()
            if name in self.gold.mixed
        ]
        return row | {"missed": missed}

    def _blind(self, candidate: Candidate) -> dict[str, Any]:
        """What is told before the vote."""
        told: dict[str, Any] = {"id": candidate.id, "row": candidate.row}
        metadata = self.review.shown.metadata
        return told if metadata is None else told | {"about": described(of_row(metadata[candidate.row]))}

    def _voted(self, candidate: Candidate, vote: str) -> dict[str, Any]:
        """A candidate with the rater's word; what the model says only where the rater has said something."""
        known = _revealed(candidate) if vote in LABEL_NAMES.values() else {}
        return self._blind(candidate) | {"vote": vote} | known


def _revealed(candidate: Candidate) -> dict[str, Any]:
    return {"label": candidate.label, "score": candidate.score}
