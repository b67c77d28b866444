"""Success of the search for mislabelled stamps on flips that the simulator planted."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.des_study.models import CAUSE, CORRECTED, OLD, TRUE
from stampshift.metrics.intervals import binomial_interval
from stampshift.stamps.file import LABELS
from stampshift.tables.writing import Table, format_number

ALL, NO_CAUSE = "all", "none"
LABELLED = {"bogus": "labelled bogus (category 1)", "real": "labelled real (category 6)"}
# of `simulation.flips`: kinds of stamps whose label may be wrong, and the wrong label
CAUSES = {
    "dipole": "dipoles of misaligned stars, called real",
    "saturated_star": "saturated stars, called real",
    "bad_ccd": "artifacts of bad CCDs, called real",
    "host": "reals on a bright galaxy's core, called bogus",
}
GROUPS = {ALL: "all"} | LABELLED | CAUSES | {NO_CAUSE: "without a cause"}
CONFIDENCE = 0.95
SHARES = ("precision", "recall")


def search_success(candidates: pd.DataFrame, *, labels: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall of the candidates against the planted flips, by group of stamps (key of `GROUPS`).

    Groups are all stamps, those of an old label, and those of a kind that gives cause for a wrong label,
    whether it is wrong or not. ``found`` counts flipped candidates, ``wrong_after`` stamps whose corrected
    label is wrong; the limits ``_low`` and ``_high`` of the two shares are exact. Without candidates there
    is no precision (NaN), without flips no recall.
    """
    table = _with_candidates(candidates, labels)
    lines = []
    for group in GROUPS:
        rows = table[_members(table, group)]
        if group in (*CAUSES, NO_CAUSE) and rows.empty:
            continue
        flipped, candidate = rows["flipped"], rows["candidate"]
        counts = {"stamps": len(rows), "flipped": int(flipped.sum()), "candidates": int(candidate.sum())}
        counts["found"] = int((flipped & candidate).sum())
        lines.append(
            {"group": group, **counts}
            | _share("precision", counts["found"], counts["candidates"])
            | _share("recall", counts["found"], counts["flipped"])
            | {"wrong_after": int((rows[CORRECTED] != rows[TRUE]).sum())}
        )
    return pd.DataFrame(lines)


def search_table(numbers: pd.DataFrame) -> Table:
    """Print the numbers of `search_success`."""
    rows = [
        {
            "stamps": GROUPS[line["group"]],
            "number": f"{line['stamps']:,}",
            "planted flips": f"{line['flipped']:,}",
            "candidates": f"{line['candidates']:,}",
            "flips among them": f"{line['found']:,}",
            "precision": _share_text(line, "precision"),
            "recall": _share_text(line, "recall"),
            "wrong after relabelling": f"{line['wrong_after']:,}",
        }
        for line in numbers.to_dict("records")
    ]
    caption = (
        "The search for mislabelled stamps against the flips that the simulator planted. Candidates are the "
        "stamps of categories 1 and 6; precision is the share of them whose label was flipped, recall the "
        f"share of the flips that are candidates, each with its exact {CONFIDENCE:.0%} interval. The last "
        "column counts wrong labels after relabelling; before it, these were the planted flips. Lines by "
        "cause hold all stamps of a kind, those with the right label too."
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
    lacking = {TRUE, CAUSE} - set(labels.columns)
    if lacking or missing or candidates["row"].duplicated().any():
        raise ContractError(
            "search: expected true labels, and every candidate once among the labelled stamps, found the "
            f"columns {', '.join(map(str, labels.columns))} and {len(missing)} candidates without a label. "
            "True labels are known only of flips that the simulator planted "
            "(surveys.<survey>.simulate.flipped)."
        )
    flipped = labels[OLD] != labels[TRUE]
    return labels.assign(flipped=flipped, candidate=labels["row"].isin(candidates["row"]))


def _members(table: pd.DataFrame, group: str) -> Any:
    """Which stamps are of a group."""
    if group == ALL:
        return table["row"].notna()
    if group in LABELLED:
        return table[OLD] == LABELS[group]
    if group == NO_CAUSE:
        return ~table[CAUSE].isin(list(CAUSES))
    return table[CAUSE] == group


def _share(name: str, found: int, of: int) -> dict[str, float]:
    """A share with its exact interval; NaN of none."""
    if of == 0:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), float("nan"))
    low, high = binomial_interval(found, of, confidence=CONFIDENCE, method="exact")
    return {name: found / of, f"{name}_low": low, f"{name}_high": high}


def _share_text(line: dict[Hashable, Any], name: str) -> str:
    if np.isnan(line[name]):
        return format_number(line[name], ".1%")
    return f"{line[name]:.1%} [{line[f'{name}_low']:.1%}, {line[f'{name}_high']:.1%}]"
