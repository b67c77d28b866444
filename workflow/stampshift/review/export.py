"""From a file of votes to the files that the workflow takes: the votes, and the labels they decide.

The labels are a label file for a survey of one's own too: `surveys.labels` reads their ``id`` and ``label``.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.core.files import atomic_path
from stampshift.review.store import VoteStore
from stampshift.review.votes import SKIP, agreement, majority
from stampshift.stamps.file import LABELS, UNLABELLED_CLASS


def export(store: VoteStore, *, margin: int, relabels: Path, votes: Path) -> str:
    """Write the votes and the labels that they decide, and tell what they say.

    Parameters
    ----------
    store
        The votes.
    margin
        Votes by which the majority must lead for a candidate to be decided.
    relabels
        CSV to write: id, old_label (real, bogus or unlabelled), label (real or bogus), a row per decided
        candidate.
    votes
        CSV to write: id, rater, vote (real, bogus or skip), time; the last word of every rater on every
        candidate, withdrawn ones left out.

    Returns
    -------
    str
        Counts and kappas, in lines.

    Raises
    ------
    ContractError
        If no candidate is decided; nothing is written then.
    """
    standing = store.standing()
    labels = store.labels()
    result = majority(standing, margin=margin)
    decided = result[result["label"] != ""]
    lines = [
        f"{store.path}: {len(labels)} candidates of {store.survey()}",
        *_told_votes(standing),
        *_told_candidates(result, labels, margin),
        *_told_agreement(agreement(standing)),
    ]
    if decided.empty:
        told = "\n  ".join(lines)
        raise ContractError(
            f"{store.path}: nothing is decided by a margin of {margin}, and nothing was written.\n  {told}\n"
            "More raters are needed, or a smaller --margin."
        )
    table = decided.assign(old_label=decided["id"].map(labels))[["id", "old_label", "label"]]
    for path, content in ((votes, standing), (relabels, table)):
        with atomic_path(path) as temporary:
            content.to_csv(temporary, index=False)
    return "\n".join([*lines, f"written: {votes}", f"written: {relabels}"])


def _told_votes(standing: pd.DataFrame) -> list[str]:
    by_rater = standing["rater"].value_counts(sort=False).sort_index()
    raters = ", ".join(f"{rater} {count}" for rater, count in by_rater.items())
    skips = int((standing["vote"] == SKIP).sum())
    return [f"votes: {len(standing)} ({raters or 'none'}), of which {skips} skips"]


def _told_candidates(result: pd.DataFrame, labels: Mapping[str, str], margin: int) -> list[str]:
    decided = result[result["label"] != ""]
    disputed = int(((result["label"] == "") & ~result["unanimous"] & (result["votes"] > 0)).sum())
    changes = ", ".join(_told_changes(decided, labels))
    return [
        f"decided by a margin of {margin}: {len(decided)}, of which {changes}",
        f"undecided: {len(labels) - len(decided)}, of which {disputed} disputed",
    ]


def _told_changes(decided: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Counts of labels turned round and of first ones; what no candidate of the review can be is not told."""
    counts = Counter(zip(decided["id"].map(labels), decided["label"], strict=True))
    before = set(labels.values())
    told = []
    if before & set(LABELS):
        to_real, to_bogus = counts["bogus", "real"], counts["real", "bogus"]
        told.append(f"{to_real + to_bogus} flipped ({to_real} bogus to real, {to_bogus} real to bogus)")
    if UNLABELLED_CLASS in before:
        real, bogus = counts[UNLABELLED_CLASS, "real"], counts[UNLABELLED_CLASS, "bogus"]
        told.append(f"{real + bogus} labelled for the first time ({real} real, {bogus} bogus)")
    return told


def _told_agreement(found: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    cohen = (f"Cohen's kappa, {' and '.join(pair['raters'])}: {_told(pair)}" for pair in found["cohen"])
    fleiss = (f"Fleiss' kappa, {group['votes']} votes each: {_told(group)}" for group in found["fleiss"])
    return list(chain(cohen, fleiss))


def _told(item: Mapping[str, Any]) -> str:
    kappa = "unknown, all votes being the same" if item["kappa"] is None else f"{item['kappa']:.2f}"
    return f"{kappa} ({item['candidates']} candidates)"
