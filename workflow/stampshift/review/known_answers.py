"""Stamps of a review's file whose answer is known: from a table, or by the labels that the file has."""

from pathlib import Path
from typing import Literal

import numpy as np

from stampshift.core.errors import ContractError
from stampshift.stamps.file import LABEL_NAMES, LABELS, UNLABELLED, Stamps
from stampshift.stamps.identifiers import Identifiers, rows_of
from stampshift.surveys.label_table import classes_by_id

THE_LABELS: Literal["labels"] = "labels"


def known_answers(
    source: Path | Literal["labels"] | None, stamps: Stamps, *, candidates: Identifiers
) -> dict[int, str]:
    """Real or bogus by row of the stamps file.

    `source` is a table with the columns id and label; `THE_LABELS` for stamps that have a label and are no
    candidates, or, where all stamps are candidates and some have no label, for those that have one; or None
    for no stamp. Raises an `ArchiveError` or a `ContractError` if the table cannot be read, or names another
    stamp or another label.
    """
    if source is None:
        return {}
    if source == THE_LABELS:
        labelled = stamps.labels != UNLABELLED
        if labelled.all() or len(candidates) < len(stamps):
            labelled &= ~np.isin(stamps.ids, np.asarray(candidates, np.str_))
        return {int(row): LABEL_NAMES[stamps.labels[row]] for row in np.flatnonzero(labelled)}
    answers = classes_by_id(source)
    strange = next((name for name, word in answers.items() if word not in LABELS), None)
    if strange is not None:
        raise ContractError(
            f"{source}: expected the answers real and bogus, found {answers[strange]!r} for {strange}. "
            "Correct the table of --gold."
        )
    remedy = "The table of --gold names stamps of the reviewed file."
    rows = rows_of(list(answers), among=stamps.ids, source=f"{source}: {stamps.survey}", remedy=remedy)
    return dict(zip(rows.tolist(), answers.values(), strict=True))
