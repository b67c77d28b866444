"""Labels of a new survey from votes alone: a majority with a margin, and how far the raters agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.review.votes import agreement, majority, read_votes, simulate_votes
from stampshift.stamps.file import LABELS, Stamps
from stampshift.stamps.identifiers import rows_of

CALLS = {"real": "real", "bogus": "bogus", "undecided": ""}  # with what `majority` writes


def cast_votes(stamps: Stamps, *, votes: Mapping[str, Any]) -> pd.DataFrame:
    """Votes on a survey's candidates, as the section `votes` of the configuration says: read or simulated."""
    if votes["origin"] == "path":
        return read_votes(Path(votes["path"]), stamps)
    return simulate_votes(stamps, **votes["simulate"])


def voted_labels(stamps: Stamps, votes: pd.DataFrame, *, margin: int) -> pd.DataFrame:
    """Labels of the candidates on which the majority leads by `margin` votes; the others are left out.

    The columns are those of a labels file (`stamps.label_file`), and ``votes``, ``real_votes`` and
    ``unanimous`` of `majority`.
    """
    decided = majority(votes, margin=margin)
    decided = decided[decided["label"] != ""]
    for name in LABELS:
        if not (decided["label"] == name).any():
            raise ContractError(
                f"{stamps.survey}: no candidate has a majority for {name} that leads by {margin}; a network "
                "needs both labels. Let more people vote, or lower des_study.new_survey.margin."
            )
    stamps_file = f"votes: the stamps of {stamps.survey}"
    rows = rows_of(decided["id"], among=stamps.ids, source=stamps_file, remedy="Correct the votes.")
    labels = decided["label"].map(LABELS).astype(np.uint8)
    kept = decided.assign(row=rows, label=labels).sort_values("row", ignore_index=True)
    return kept[["row", "id", "label", "votes", "real_votes", "unanimous"]]


def agreement_numbers(stamps: Stamps, votes: pd.DataFrame, *, margin: int) -> dict[str, Any]:
    """Kappas of the raters, and how many candidates they leave undecided: content of ``agreement.json``."""
    by_candidate = majority(votes, margin=margin)
    judged = by_candidate[by_candidate["votes"] > 0]
    return agreement(votes) | {
        "margin": margin,
        "candidates": len(stamps),
        "judged": len(judged),
        **{name: int((judged["label"] == word).sum()) for name, word in CALLS.items()},
        "unanimous": int(judged["unanimous"].sum()),
    }
