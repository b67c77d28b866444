"""Who is asked about which candidate: the most suspicious first, until enough raters have voted."""

import time
from collections.abc import Collection, Mapping
from itertools import islice
from threading import Lock

from stampshift.review.asking import Asking
from stampshift.review.raters import folded, rater_name
from stampshift.review.reviewed import Candidate, Review
from stampshift.review.vote_store import UNDO, VoteStore
from stampshift.stamps.file import LABELS

SHOWN_SECONDS = 120  # how long a candidate on a rater's screen is assumed to be in progress


class Queue:
    """The queue of every rater over the votes in a store.

    A rater is asked about candidates on which the rater has not voted and which need votes, as `asking` says;
    the adjudicator about those that stay disputed. What others have on their screens, and will probably
    complete, comes last rather than never: nobody waits for anybody. A rater is the same however the name is
    typed.
    """

    def __init__(self, review: Review, store: VoteStore, *, asking: Asking) -> None:
        self._review = review
        self._store = store
        self._asking = asking
        self._seen = 0
        # of raters by their folded names
        self._names: dict[str, str] = {}
        self._by_candidate: dict[str, dict[str, str]] = {}
        self._by_rater: dict[str, dict[str, str]] = {}
        self._shown: dict[str, tuple[float, frozenset[str]]] = {}
        # candidates by what is still to be done about them, kept up to date vote by vote
        self._for_raters = set(review.candidates)
        self._for_adjudicator: set[str] = set()
        self._complete: set[str] = set()
        self._lock = Lock()

    def next(self, rater: str, count: int, *, held: Collection[str]) -> list[Candidate]:
        """The next candidates for a rater, at most `count`, without the `held` ones on the rater's screen."""
        rater = folded(rater)
        with self._lock:
            self._read_new_votes()
            chosen = self._choose(rater, count, held)
            names = frozenset(candidate.id for candidate in chosen)
            self._shown[rater] = (time.monotonic(), names.union(held))
            return chosen

    def progress(self, rater: str) -> dict[str, int]:
        """How far the review is, and the rater in it, in numbers of candidates and of votes."""
        with self._lock:
            self._read_new_votes()
            rater = folded(rater)
            mine = self._by_rater.get(rater, {})
            return {
                "mine": len(mine),  # voted on or skipped
                "left": len(self._waiting(rater) - mine.keys()),
                "complete": len(self._complete),
                "candidates": len(self._review.candidates),
                "votes": sum(vote in LABELS for own in self._by_rater.values() for vote in own.values()),
                **{f"my_{word}": sum(vote == word for vote in mine.values()) for word in LABELS},
                "seen": self._seen,  # of two answers, the one with the larger number is the later
            }

    def last(self, rater: str, count: int) -> list[tuple[Candidate, str]]:
        """The rater's last candidates with their standing votes, the latest first."""
        with self._lock:
            self._read_new_votes()
            latest = reversed(self._by_rater.get(folded(rater), {}).items())
            return [(self._review.candidates[name], vote) for name, vote in islice(latest, count)]

    def raters(self) -> list[str]:
        """Names of all who have voted, as each of them was first spelled."""
        with self._lock:
            self._read_new_votes()
            return sorted(self._names.values())

    def _read_new_votes(self) -> None:
        for number, _, name, said_by, vote, *_ in self._store.after(self._seen):
            self._seen = number
            if name not in self._review.candidates:  # not drawn, or of an earlier list
                continue
            rater = folded(said_by)
            self._names.setdefault(rater, rater_name(said_by))
            votes = self._by_candidate.setdefault(name, {})
            own = self._by_rater.setdefault(rater, {})
            # taken out first, so that the order of a rater's votes is that of the last words
            votes.pop(rater, None)
            own.pop(name, None)
            if vote != UNDO:
                votes[rater] = own[name] = vote
            for names, belongs in (
                (self._for_raters, self._asking.missing(votes) > 0),
                (self._for_adjudicator, self._asking.is_for_adjudicator(votes)),
                (self._complete, self._asking.is_complete(votes)),
            ):
                (names.add if belongs else names.discard)(name)

    def _waiting(self, rater: str) -> set[str]:
        """Candidates that need a vote from such as the rater."""
        return self._for_adjudicator if rater == self._asking.adjudicator else self._for_raters

    def _needed(self, rater: str, votes: Mapping[str, str]) -> int:
        """Number of votes that a waiting candidate needs from such as the rater."""
        if rater == self._asking.adjudicator:
            return int(self._asking.is_for_adjudicator(votes))
        return self._asking.missing(votes)

    def _choose(self, rater: str, count: int, held: Collection[str]) -> list[Candidate]:
        since = time.monotonic() - SHOWN_SECONDS
        screens = [(each, names) for each, (at, names) in self._shown.items() if each != rater and at > since]
        mine, waiting = self._by_rater.get(rater, {}), self._waiting(rater)
        free: list[Candidate] = []
        in_good_hands: list[Candidate] = []
        for name, candidate in self._review.candidates.items():
            if len(free) == count:
                break
            if name not in waiting or name in mine or name in held:
                continue
            voters = self._by_candidate.get(name, {})
            missing = self._needed(rater, voters)
            looking = sum(name in names and other not in voters for other, names in screens)
            (free if looking < missing else in_good_hands).append(candidate)
        return [*free, *in_good_hands][:count]
