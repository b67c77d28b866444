"""Progress bars of jobs: on a terminal, of tqdm where it is installed."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Self

WORKFLOW_BAR = "STAMPSHIFT_WORKFLOW_BAR"  # set in the jobs of a workflow that shows a bar of its own


class HiddenBar:
    """What code asks of a tqdm bar, and nothing to see."""

    n = 0

    def __init__(self, items: Iterable[Any] | None) -> None:
        self._items = () if items is None else items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def update(self, n: float = 1) -> None:
        """Nothing to draw."""

    def set_postfix(self, **shown: object) -> None:
        """Nothing to draw."""


def job_bar(items: Iterable[Any] | None = None, **options: Any) -> Any:
    """A bar over items, or to be updated by hand, with tqdm's options; hidden where nobody would see it."""
    if os.environ.get(WORKFLOW_BAR) or not sys.stderr.isatty():
        return HiddenBar(items)
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return HiddenBar(items)
    return tqdm(items, **options)
