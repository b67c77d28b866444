"""What a stream has done, as a line a minute."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stampshift.core.bars import SECONDS_BETWEEN_LINES


@dataclass
class Tally:
    """Counts of a stream since its start, and of its last minute."""

    clock: Callable[[], float] = time.time  # seconds since 1970, as messages have them
    messages: int = 0
    candidates: int = 0
    scored: int = 0
    real: int = 0  # called real
    duplicates: int = 0
    dead_letters: int = 0
    behind: float | None = None  # seconds from the last message's time to its scores
    _begin: float = field(init=False)
    _last: tuple[float, int] = field(init=False)  # when the last line was, and the candidates until then

    def __post_init__(self) -> None:
        self._begin = self.clock()
        self._last = self._begin, 0

    def count(
        self, lines: Sequence[Mapping[str, Any]], *, messages: int, dead: int, sent: float | None
    ) -> None:
        """Count a batch whose scores are out; its last message was sent at so many seconds since 1970."""
        self.messages += messages
        self.dead_letters += dead
        self.candidates += len(lines)
        self.scored += sum(line["score"] is not None for line in lines)
        self.real += sum(bool(line["real"]) for line in lines)
        self.duplicates += sum(line["duplicate"] for line in lines)
        self.behind = None if sent is None else self.clock() - sent

    def due(self) -> bool:
        """Whether it is time for a line."""
        return self.clock() - self._last[0] >= SECONDS_BETWEEN_LINES

    def line(self, *, waiting: int | None) -> str:
        """Counts for people, the rate since the last line, and how many messages wait in the topic."""
        now, (last, before) = self.clock(), self._last
        rate = (self.candidates - before) / max(now - last, 1e-9)
        self._last = now, self.candidates
        behind = "" if self.behind is None else f", {self.behind:.1f} s behind the last message"
        left = "" if waiting is None else f", {waiting:,} messages waiting"
        return f"stream: {self._counts()}; {rate:.0f} candidates per second{behind}{left}"

    def total(self) -> str:
        """Counts and the rate since the start."""
        rate = self.candidates / max(self.clock() - self._begin, 1e-9)
        return f"{self._counts()}; {rate:.0f} candidates per second"

    def _counts(self) -> str:
        return (
            f"{self.messages:,} messages, {self.candidates:,} candidates, {self.scored:,} scored, "
            f"{self.real:,} called real, {self.duplicates:,} duplicates, {self.dead_letters:,} dead letters"
        )
