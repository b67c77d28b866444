"""How far long work is: tqdm's bar on a terminal; elsewhere (nohup, CI, a batch system) a line a minute."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from stampshift.core.printing import echo

WORKFLOW_BAR = "STAMPSHIFT_WORKFLOW_BAR"  # set in the jobs of a workflow that shows a bar of its own
SECONDS_BETWEEN_LINES = 60.0
LEAST_SHARE = 0.01  # from which the remaining time can be told


class HiddenBar:
    """What code asks of a tqdm bar, and nothing to see."""

    share = 0.0  # of the whole that is done, where no total is known; 0 where it is not known either
    total: int | None = None  # tqdm's, too

    def __init__(self, items: Iterable[Any] | None, *, initial: int = 0) -> None:
        self._items = () if items is None else items
        self.n = initial

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            yield item
            self.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def update(self, n: int = 1) -> None:
        """Count what is done."""
        self.n += n

    def set_postfix(self, **shown: object) -> None:
        """Nothing to draw."""


class LinesBar(HiddenBar):
    """A line a minute on the standard error, the first one after a minute; options are tqdm's.

    A `total` that is set later is an estimate, and the line says so.
    """

    def __init__(
        self,
        items: Iterable[Any] | None,
        *,
        desc: str = "",
        total: int | None = None,
        unit: str = "",
        initial: int = 0,
        **_: object,  # how a bar is drawn
    ) -> None:
        super().__init__(items, initial=initial)
        self.total = total
        self._name, self._first, self._about = desc, initial, "" if total else "about "
        self._unit = f" {unit.strip().removesuffix('s')}s" if unit else ""
        self._per = 1
        if unit == "B":
            self._unit, self._per = " MB", 10**6
        self._first_share: float | None = None if initial else 0.0
        self._begin = self._last = time.monotonic()

    def update(self, n: int = 1) -> None:
        """Count what is done, and print a line if it is time for one."""
        super().update(n)
        if self._first_share is None:
            self._first_share = self.share
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            echo(self._line(now - self._begin), err=True)

    def _line(self, seconds: float) -> str:
        total = f" of {self._about}{self.total // self._per}" if self.total else ""
        text = f"{self._name}: {self.n // self._per}{total}{self._unit} in {_clock(seconds)}"
        # what an earlier call did took none of this time
        here = self.n - self._first
        if self.total and here > 0:
            return f"{text}; {self._about}{_clock(seconds * (self.total - self.n) / here)} remaining"
        share_here = self.share - (self._first_share or 0.0)
        if share_here >= LEAST_SHARE:
            left = seconds * (1 - self.share) / share_here
            return f"{text}; about {self.share:.0%}, {_clock(left)} remaining"
        return text


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def job_bar(
    items: Iterable[Any] | None = None, *, shown: bool = True, on_terminal: bool = True, **options: Any
) -> Any:
    """A bar over items, or to be updated by hand, with tqdm's options.

    It is hidden unless `shown`, in a job of a workflow that shows its own bar, and on a terminal where it is
    not to be drawn `on_terminal`.
    """
    if not shown or os.environ.get(WORKFLOW_BAR):
        return HiddenBar(items)
    if not sys.stderr.isatty():
        return LinesBar(items, **options)
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return HiddenBar(items)
    return tqdm(items, **options) if on_terminal else HiddenBar(items)


class FilesReached:
    """The share of some files' bytes that lies before the file that was reached, read in this order."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._names = [str(file) for file in files]
        self._bytes = [file.stat().st_size if file.exists() else 0 for file in files]
        self._reached = 0

    def share(self, place: str) -> float:
        """The share before a place, the text of which begins with the file's name."""
        later = range(self._reached, len(self._names))
        self._reached = next((at for at in later if place.startswith(self._names[at])), self._reached)
        return sum(self._bytes[: self._reached]) / max(1, sum(self._bytes))
