"""What becomes of the candidates of a whole archive: counted, named, bounded."""

import logging
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np

from stampshift.core.errors import ArchiveError
from stampshift.stamps.file import LABEL_NAMES, UNLABELLED_CLASS
from stampshift.stamps.preprocessing import Block, Counts
from stampshift.surveys.label_table import classes_by_id
from stampshift.surveys.reader import Reader

KEPT_PROBLEMS = 20


class Tally:
    """What becomes of the candidates of a whole archive: counts, repeats, problems, stray labels."""

    def __init__(self, archive: Reader) -> None:
        self._counts = Counts()
        self._problems: list[str] = []  # the first of them
        self._unusable = 0
        self._bounded, self._remedy = archive.bounded, archive.remedy
        self._label_file = archive.label_file
        # labels of which no candidate came yet
        self._missing = set(classes_by_id(archive.label_file)) if archive.label_file else set()
        self._seen: set[str] | None = set() if archive.repeats else None

    def add(self, block: Block) -> Block:
        """Count a block; it is returned without the candidates that came before."""
        self._missing.difference_update(block.ids, (each.identifier for each in block.dropped))
        problems = [each.detail for each in block.dropped if each.detail]
        self._unusable += len(problems)
        self._problems += problems[: KEPT_PROBLEMS - len(self._problems)]
        if self._seen is not None:
            block = _without(block, self._seen)
        self._counts += block.counts
        return block

    def check(self, survey: str, tolerated: float) -> None:
        """Raise an `ArchiveError` if the reader bounds what is unusable, and more is than `tolerated`."""
        if self._bounded and self._unusable > tolerated * self._counts.read:
            raise ArchiveError(
                f"{self._unusable} of {self._counts.read} candidates are unusable, more than the share of "
                f"{tolerated:g} that surveys.{survey}.tolerated allows. The first of them:\n  "
                + "\n  ".join(self._problems)
                + "\nRepair or remove them, download the archive again, or allow more of them."
                + self._remedy
            )

    def attributes(self) -> dict[str, Any]:
        """For the stamps file: counts, the first problems, and labels of which no candidate came."""
        found: dict[str, Any] = {"counts": vars(self._counts)}
        if self._problems:
            found["problems"] = self._problems
        if self._label_file is not None:
            found["labels_without_candidate"] = len(self._missing)
        return found

    def warn(self, survey: str) -> None:
        """Log the first problems, and labels of which no candidate came."""
        for problem in self._problems:
            logging.warning("%s: dropped: %s", survey, problem)
        if self._unusable > len(self._problems):
            logging.warning("%s: %d candidates were dropped in all", survey, self._unusable)
        if self._missing:
            logging.warning(
                "%s: %d ids of %s occur in no candidate of the archive, the first of them %s",
                survey,
                len(self._missing),
                self._label_file,
                min(self._missing),
            )


def _without(block: Block, seen: set[str]) -> Block:
    """Leave out candidates that were seen, or come twice in the block, and note the others as seen.

    Their pixels stay among the counts by channel.
    """
    fresh = np.ones(len(block.ids), bool)
    for row, identifier in enumerate(block.ids):
        fresh[row] = not identifier or identifier not in seen
        seen.add(identifier)
    counts = block.counts
    for row in compress(range(len(fresh)), ~fresh):
        counts.kept -= 1
        counts.dropped["duplicate"] += 1
        counts.classes[block.classes[row]] -= 1
        counts.labels[LABEL_NAMES.get(int(block.labels[row]), UNLABELLED_CLASS)] -= 1
    texts: dict[str, Any] = {
        name: list(compress(getattr(block, name), fresh)) for name in ("classes", "ids", "groups")
    }
    arrays = {name: getattr(block, name)[fresh] for name in ("stamps", "labels", "metadata", "context")}
    return replace(block, **arrays, **texts)
