"""Candidates that were scored lately: a topic delivers some packets twice, and surveys send some twice."""

from collections.abc import Iterable

MOST = 100_000  # candidates; some minutes of Rubin's stream

Candidate = tuple[str, str]  # survey, identifier


class Recent:
    """The last candidates that were scored, at most `most`."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._candidates: dict[Candidate, None] = {}

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Take candidates that were scored before."""
        for candidate in candidates:
            self.scored_before(candidate)

    def scored_before(self, candidate: Candidate | None) -> bool:
        """Whether a candidate was scored lately, and remember that it is; never where it is not known."""
        if candidate is None:
            return False
        known = candidate in self._candidates
        self._candidates.pop(candidate, None)  # the last one again
        self._candidates[candidate] = None
        if len(self._candidates) > self._most:
            del self._candidates[next(iter(self._candidates))]
        return known
