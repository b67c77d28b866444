"""How many people are asked about a candidate: a few, more where they disagree, in the end an adjudicator."""

from collections.abc import Mapping
from dataclasses import dataclass

from stampshift.core.errors import ConfigError
from stampshift.review.raters import checked_name, folded
from stampshift.stamps.file import LABELS

FURTHER = 2  # raters that a disputed candidate gets if nobody says how many


@dataclass(frozen=True)
class Asking:
    """Whom a candidate is shown to, by the votes on it so far, which are given by raters' folded names.

    Every candidate is shown to `raters` people. A disputed one, on which the majority does not lead by
    `margin`, is shown to further ones until it does or `most` have voted. What is then still disputed is
    shown to the adjudicator, who is shown nothing else and whose vote is not one of the raters'.
    """

    raters: int
    most: int
    margin: int
    adjudicator: str | None  # folded name

    @classmethod
    def of(cls, *, raters: int, most: int | None, margin: int, adjudicator: str | None) -> "Asking":
        """The rule of a review's options; a `ConfigError` if they contradict each other."""
        if most is None:
            most = raters + FURTHER
        if most < raters:
            raise ConfigError(
                f"--max-raters: expected at least the {raters} of --raters-per-candidate, found {most}."
            )
        try:
            name = None if adjudicator is None else folded(checked_name(adjudicator))
        except ValueError as error:
            raise ConfigError(f"--adjudicator: {error}.") from None
        # a single rater can lead by one vote only
        return cls(raters, most, min(margin, raters), name)

    def missing(self, votes: Mapping[str, str]) -> int:
        """Number of raters' votes that a candidate still needs, at the least."""
        lead, total = self._count(votes)
        if total < self.raters:
            return self.raters - total
        return max(0, min(self.margin - lead, self.most - total))

    def is_for_adjudicator(self, votes: Mapping[str, str]) -> bool:
        """Whether a candidate is still disputed after all raters that may be asked."""
        lead, total = self._count(votes)
        return self.adjudicator is not None and total >= self.most and lead < self.margin

    def is_complete(self, votes: Mapping[str, str]) -> bool:
        """Whether nobody needs to look at a candidate any more."""
        if self.missing(votes):
            return False
        return not self.is_for_adjudicator(votes) or votes.get(str(self.adjudicator)) in LABELS

    def _count(self, votes: Mapping[str, str]) -> tuple[int, int]:
        """Lead of the raters' majority, and the number of their votes."""
        words = [vote for rater, vote in votes.items() if rater != self.adjudicator and vote in LABELS]
        real = words.count("real")
        return abs(2 * real - len(words)), len(words)
