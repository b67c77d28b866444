"""Labels of a new survey from votes alone: a majority with a margin, and how far the raters agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.review.votes import Rule, agreement, majority, read_votes, simulate_votes
from stampshift.stamps.file import LABELS, Stamps
from stampshift.stamps.identifiers import rows_of
from stampshift.surveys.label_table import classes_by_id

CALLS = {"real": "real", "bogus": "bogus", "undecided": ""}  # with what `majority` writes


def cast_votes(
    stamps: Stamps,
    *,
    votes: Mapping[str, Any],
    truth: Path | None,
    classes: Mapping[str, str],
    stamps_file: str,
) -> pd.DataFrame:
    """Votes on a survey's candidates, as the section `votes` of the configuration says: read or simulated.

    Simulated raters know the `truth`, a table of ``id`` and ``label``, of `classes`. Raises a `ContractError`
    if there are no votes; it says how people give them, on the page of `stamps_file`.
    """
    if votes["origin"] == "path":
        file = f"resources/reviews/{stamps.survey}.sqlite"
        return read_votes(
            Path(votes["path"]),
            stamps,
            remedy=f"Let three people or more vote with `stampshift review {stamps_file}`, export the votes "
            f"with `stampshift review-export {file} --votes-csv {votes['path']}`, and start the workflow "
            "again; or change des_study.new_survey.votes.",
        )
    if truth is None:
        raise ContractError("votes: there is no truth to simulate raters from.")
    return simulate_votes(stamps.ids, _true_labels(stamps, truth, classes), **votes["simulate"])


def _true_labels(stamps: Stamps, table: Path, classes: Mapping[str, str]) -> NDArray[np.uint8]:
    by_id = classes_by_id(table)
    rows_of(stamps.ids, among=list(by_id), source=f"{table}: the truth", remedy="Simulate the survey again.")
    return np.array([LABELS[classes[by_id[name]]] for name in stamps.ids], np.uint8)


def voted_labels(stamps: Stamps, votes: pd.DataFrame, *, rule: Rule) -> pd.DataFrame:
    """Labels of the candidates that the votes decide by `rule`; the others are left out.

    The columns are those of a labels file (`stamps.label_file`), and ``votes``, ``real_votes``,
    ``unanimous`` and ``adjudicated`` of `majority`.
    """
    decided = majority(votes, rule=rule)
    decided = decided[decided["label"] != ""]
    for name in LABELS:
        if not (decided["label"] == name).any():
            raise ContractError(
                f"{stamps.survey}: expected candidates that are {name} by at least {rule.min_votes} votes, "
                f"with a lead of {rule.margin}, found none; a network needs both labels. Let more people "
                "vote, or lower des_study.new_survey.min_votes or margin."
            )
    stamps_file = f"votes: the stamps of {stamps.survey}"
    rows = rows_of(decided["id"], among=stamps.ids, source=stamps_file, remedy="Correct the votes.")
    labels = decided["label"].map(LABELS).astype(np.uint8)
    kept = decided.assign(row=rows, label=labels).sort_values("row", ignore_index=True)
    return kept[["row", "id", "label", "votes", "real_votes", "unanimous", "adjudicated"]]


def agreement_numbers(stamps: Stamps, votes: pd.DataFrame, *, rule: Rule) -> dict[str, Any]:
    """Kappas of the raters, and how many candidates they leave undecided: content of ``agreement.json``."""
    by_candidate = majority(votes, rule=rule)
    judged = by_candidate[by_candidate["votes"] > 0]
    return agreement(votes, rule=rule) | {
        "margin": rule.margin,
        "min_votes": rule.min_votes,
        "candidates": len(stamps),
        "judged": len(judged),
        **{name: int((judged["label"] == word).sum()) for name, word in CALLS.items()},
        "unanimous": int(judged["unanimous"].sum()),
        "adjudicated": int(judged["adjudicated"].sum()),
    }
