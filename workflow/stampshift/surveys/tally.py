"""What becomes of the candidates of a whole archive: counts, repeats, problems, stray labels."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from stampshift.stamps.counts import Counts
from stampshift.stamps.file import LABEL_NAMES, UNLABELLED_CLASS
from stampshift.stamps.preprocessing import Block
from stampshift.surveys.labels import read_labels

KEPT_PROBLEMS = 20


class Tally:
    """Adds up the blocks of an archive.

    Parameters
    ----------
    label_file
        Table of labels whose candidates should all come, None if there is none.
    repeats
        Whether a candidate may come more than once: later ones are left out then. Their pixels are among the
        counts by channel.
    """

    def __init__(self, label_file: Path | None, *, repeats: bool) -> None:
        self._counts = Counts()
        self._problems: list[str] = []
        self._label_file = label_file
        self._missing = set(read_labels(label_file)) if label_file else set()
        self._seen: set[str] | None = set() if repeats else None

    def add(self, block: Block) -> Block:
        """Count a block; it comes back without the candidates that came before."""
        self._missing.difference_update(block.ids, block.dropped_ids)
        self._problems += block.problems[: KEPT_PROBLEMS - len(self._problems)]
        block = block if self._seen is None else _without(block, self._seen)
        self._counts += block.counts
        return block

    def attributes(self) -> dict[str, Any]:
        """For the stamps file: counts, the first problems, and labels of which no candidate came."""
        found: dict[str, Any] = {"counts": self._counts.as_dict()}
        if self._problems:
            found["problems"] = self._problems
        if self._label_file is not None:
            found["labels_without_candidate"] = len(self._missing)
        return found

    def warn(self, survey: str) -> None:
        """Log the first problems, and how many labels are of no candidate."""
        for problem in self._problems:
            logging.warning("%s: dropped: %s", survey, problem)
        if self._missing:
            logging.warning(
                "%s: %d ids of %s occur in no candidate of the archive, the first of them %s",
                survey,
                len(self._missing),
                self._label_file,
                min(self._missing),
            )


def _without(block: Block, seen: set[str]) -> Block:
    """Leave out candidates that were seen, or come twice in the block, and note the others as seen."""
    fresh = []
    for row, identifier in enumerate(block.ids):
        if not identifier or identifier not in seen:
            fresh.append(row)
            seen.add(identifier)
    repeated = set(range(len(block.ids))) - set(fresh)
    if not repeated:
        return block
    counts = block.counts
    counts.kept -= len(repeated)
    counts.dropped["duplicate"] += len(repeated)
    counts.classes.subtract(block.classes[row] for row in repeated)
    counts.labels.subtract(LABEL_NAMES.get(int(block.labels[row]), UNLABELLED_CLASS) for row in repeated)
    return replace(
        block,
        stamps=block.stamps[fresh],
        labels=block.labels[fresh],
        classes=[block.classes[row] for row in fresh],
        ids=[block.ids[row] for row in fresh],
        groups=[block.groups[row] for row in fresh],
    )
