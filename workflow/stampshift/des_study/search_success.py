"""Success of the search for mislabelled stamps on flips that the simulator planted."""

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.des_study.models import CORRECTED, OLD, TRUE
from stampshift.stamps.file import LABELS
from stampshift.tables.writing import Table, format_number

ALL = "all"
GROUPS = {ALL: "all", "bogus": "labelled bogus (category 1)", "real": "labelled real (category 6)"}


def search_success(candidates: pd.DataFrame, *, labels: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall of the candidates against the planted flips, by old label (key of `GROUPS`).

    ``found`` counts flipped candidates, ``wrong_after`` stamps whose corrected label is wrong; without
    candidates there is no precision (NaN), without flips no recall.
    """
    table = _with_candidates(candidates, labels)
    lines = []
    for group in GROUPS:
        rows = table if group == ALL else table[table[OLD] == LABELS[group]]
        flipped, candidate = rows["flipped"], rows["candidate"]
        lines.append(
            {
                "labelled": group,
                "stamps": len(rows),
                "flipped": flipped.sum(),
                "candidates": candidate.sum(),
                "found": (flipped & candidate).sum(),
                "precision": flipped[candidate].mean(),
                "recall": candidate[flipped].mean(),
                "wrong_after": (rows[CORRECTED] != rows[TRUE]).sum(),
            }
        )
    return pd.DataFrame(lines)


def search_table(numbers: pd.DataFrame) -> Table:
    """Print the numbers of `search_success`."""
    rows = [
        {
            "stamps": GROUPS[line["labelled"]],
            "number": f"{line['stamps']:,}",
            "planted flips": f"{line['flipped']:,}",
            "candidates": f"{line['candidates']:,}",
            "flips among them": f"{line['found']:,}",
            "precision": format_number(line["precision"], ".1%"),
            "recall": format_number(line["recall"], ".1%"),
            "wrong after relabelling": f"{line['wrong_after']:,}",
        }
        for line in numbers.to_dict("records")
    ]
    caption = (
        "The search for mislabelled stamps against the flips that the simulator planted. Candidates are the "
        "stamps of categories 1 and 6; precision is the share of them whose label was flipped, recall the "
        "share of the flips that are candidates. The last column counts wrong labels after relabelling; "
        "before it, these were the planted flips."
    )
    return Table(numbers, pd.DataFrame(rows), caption, "tab:des-search")


def review_queue(candidates: pd.DataFrame, *, labels: pd.DataFrame) -> pd.DataFrame:
    """What a review has found after each candidate: ``found`` flips among the ``reviewed`` (1, 2, ...).

    ``flips`` and ``stamps`` are those of the survey, the same in every line.
    """
    table = _with_candidates(candidates, labels)
    flips = int(table["flipped"].sum())
    if flips == 0 or candidates.empty:
        raise ContractError(
            f"search: expected planted flips and candidates for review, found {flips} flips and "
            f"{len(candidates)} candidates; plant more (surveys.<survey>.simulate.flipped) or simulate more "
            "stamps."
        )
    found = table.set_index("row").loc[candidates["row"], "flipped"].to_numpy().cumsum()
    reviewed = np.arange(1, len(found) + 1)
    return pd.DataFrame(
        {
            "reviewed": reviewed,
            "found": found,
            "precision": found / reviewed,
            "recall": found / flips,
            "flips": flips,
            "stamps": len(table),
        }
    )


def _with_candidates(candidates: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Labels with what is ``flipped`` and what is a ``candidate``."""
    missing = set(candidates["row"]) - set(labels["row"])
    if TRUE not in labels.columns or missing or candidates["row"].duplicated().any():
        raise ContractError(
            "search: expected true labels, and every candidate once among the labelled stamps, found the "
            f"columns {', '.join(map(str, labels.columns))} and {len(missing)} candidates without a label. "
            "True labels are known only of flips that the simulator planted "
            "(surveys.<survey>.simulate.flipped)."
        )
    flipped = labels[OLD] != labels[TRUE]
    return labels.assign(flipped=flipped, candidate=labels["row"].isin(candidates["row"]))
