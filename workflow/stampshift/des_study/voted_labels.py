"""Labels of a new survey from votes alone: a majority with a margin, and how far the raters agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.review.votes import Rule, agreement, majority, read_votes, simulate_votes
from stampshift.stamps.file import LABELS, Stamps
from stampshift.stamps.identifiers import rows_of

CALLS = {"real": "real", "bogus": "bogus", "undecided": ""}  # with what `majority` writes


def cast_votes(stamps: Stamps, *, votes: Mapping[str, Any]) -> pd.DataFrame:
    """Votes on a survey's candidates, as the section `votes` of the configuration says: read or simulated."""
    if votes["origin"] == "path":
        return read_votes(Path(votes["path"]), stamps)
    return simulate_votes(stamps, **votes["simulate"])


def voted_labels(stamps: Stamps, votes: pd.DataFrame, *, rule: Rule) -> pd.DataFrame:
    """Labels of the candidates that the votes decide by `rule`; the others are left out.

    The columns are those of a labels file (`stamps.label_file`), and ``votes``, ``real_votes`` and
    ``unanimous`` of `majority`.
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
    return kept[["row", "id", "label", "votes", "real_votes", "unanimous"]]


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
