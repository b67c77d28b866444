"""Stamps with known answers: shown first as examples, or mixed in to see how well a rater judges."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from stampshift.core.errors import ContractError
from stampshift.review.raters import folded
from stampshift.review.reviewed import Candidate, Known
from stampshift.stamps.file import LABELS

# parts of the random streams: no other one of the project begins with them
EXAMPLES, TURNS, ORDER = 0x45584D50, 0x5455524E, 0x474F4C44


@dataclass(frozen=True)
class Gold:
    """The known answers of a review; no vote on one of them counts for a label.

    Every rater gets gold stamps at one rate and in an order of the rater's own, each once, and nothing on the
    page tells them from candidates before the vote.
    """

    examples: tuple[Known, ...]  # shown with their answers to whoever begins
    mixed: dict[str, Known]  # by identifier
    rate: float  # gold stamps per candidate

    @classmethod
    def of(cls, known: Sequence[Known], *, examples: int, rate: float, seed: int) -> Self:
        """Draw the examples, half of them real where there are enough; the others are mixed in.

        Raises a `ContractError` if there are too few.
        """
        if len(known) < examples + (rate > 0):
            raise ContractError(
                f"expected at least {examples + (rate > 0)} stamps with a known answer for --examples "
                f"{examples} and --gold-rate {rate:g}, found {len(known)}. Name a table of more of them with "
                "--gold, or ask for fewer."
            )
        order = np.random.default_rng([EXAMPLES, seed]).permutation(len(known))
        by_answer = [[known[place] for place in order if known[place].answer == word] for word in LABELS]
        reals = min(len(by_answer[0]), max(examples // 2, examples - len(by_answer[1])))
        chosen = [*by_answer[0][:reals], *by_answer[1][: examples - reals]]
        shown = {each.candidate.id for each in chosen}
        rest = {each.candidate.id: each for each in known if each.candidate.id not in shown}
        turns = np.random.default_rng([EXAMPLES, seed, 1]).permutation(len(chosen))
        return cls(tuple(chosen[place] for place in turns), rest if rate > 0 else {}, rate)

    def mixed_into(
        self, candidates: Sequence[Candidate], *, rater: str, before: int, seen: Collection[str]
    ) -> Iterator[Candidate]:
        """A rater's next candidates with gold stamps among them.

        `before` is how many candidates the rater has had, and `seen` the gold stamps among them.
        """
        given = len(seen)
        waiting = (self.mixed[name].candidate for name in self._order(rater) if name not in seen)
        due = self._due(rater, before + len(candidates))
        for number, candidate in enumerate(candidates, before):
            if due[number] > given and (gold := next(waiting, None)):
                given += 1
                yield gold
            yield candidate

    def _due(self, rater: str, turns: int) -> list[int]:
        """How many gold stamps a rater has seen before each of so many candidates, at random turns."""
        drawn = np.random.default_rng([TURNS, _number(rater)]).random(turns) < self.rate
        return np.cumsum(drawn).tolist()

    def _order(self, rater: str) -> list[str]:
        names = list(self.mixed)
        order = np.random.default_rng([ORDER, _number(rater)]).permutation(len(names))
        return [names[place] for place in order]


NO_GOLD = Gold((), {}, 0.0)


def _number(rater: str) -> int:
    return int.from_bytes(hashlib.blake2b(folded(rater).encode(), digest_size=8).digest())
