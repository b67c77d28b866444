"""From a file of votes to the files that the workflow takes: the votes, and the labels they decide."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.core.files import atomic_paths
from stampshift.review.rater_table import rater_table
from stampshift.review.tags import SEPARATOR
from stampshift.review.vote_store import VoteStore
from stampshift.review.votes import SKIP, Rule, agreement, majority
from stampshift.stamps.file import LABELS, UNLABELLED_CLASS
from stampshift.tables.wording import counted


def export(store: VoteStore, *, rule: Rule, relabels: Path, votes: Path, raters: Path) -> str:
    """Write the votes that stand, the labels that they decide, and how each rater does, as CSV.

    Counts and kappas are returned. `votes` is as of `VoteStore.standing`, `raters` as of `rater_table`.
    `relabels` has a row per candidate that the votes decide by `rule`: id, old_label (real, bogus or
    unlabelled) and label, as `surveys.label_table` reads them too. Without any, or if one file would replace
    another, a `ContractError` is raised and nothing written.
    """
    if len({path.resolve() for path in (store.path, relabels, votes, raters)}) < 4:
        raise ContractError(
            f"{store.path}: the votes, --relabels, --votes-csv and --raters-csv must be four files; found "
            f"{store.path}, {relabels}, {votes} and {raters}. Nothing was written; name others."
        )
    standing = store.standing()
    labels = store.labels()
    by_rater = rater_table(store)
    try:
        result = majority(standing, rule=rule)
    except ContractError as error:
        raise ContractError(f"{store.path}: {error}") from error
    decided = result[result["label"] != ""]
    undecided = result[result["label"] == ""]
    disputed = int((~undecided["unanimous"] & (undecided["votes"] > 0)).sum())
    few = int((undecided["votes"] < rule.min_votes).sum()) + len(labels) - len(result)
    by = _by(rule)
    lines = [
        f"{store.path}: {len(labels)} candidates of {store.survey()}",
        _count_of_votes(standing),
        f"decided by {by}: {len(decided)}, of which {_changes(decided, labels)}",
        *_adjudicated(decided, rule),
        f"undecided: {len(labels) - len(decided)}, of which {disputed} disputed, and {few} with fewer than "
        f"{counted(rule.min_votes, 'vote')}",
        *_kappas(agreement(standing, rule=rule)),
        *_reasons(standing),
        *_on_gold(by_rater),
    ]
    if decided.empty:
        nothing = f"{store.path}: no candidate is decided by {by}; nothing was written."
        summary = "\n  ".join([nothing, *lines])
        raise ContractError(
            f"{summary}\nMore votes are needed, or a smaller --margin or --min-votes: 1 and 1 if one person "
            "alone labels."
        )
    table = decided.assign(old_label=decided["id"].map(labels))[["id", "old_label", "label"]]
    tables = {votes: standing, raters: by_rater, relabels: table}
    with atomic_paths(*tables) as temporaries:
        for path, content in zip(temporaries, tables.values(), strict=True):
            content.to_csv(path, index=False, quoting=_quoting(content.iloc[:, 0]))
    return "\n".join([*lines, *(f"written: {path}" for path in tables)])


def _quoting(ids: pd.Series) -> Literal[0, 1]:
    """How to quote cells of CSV, so that no id reads as a comment, loses leading blanks or ends a line."""
    return csv.QUOTE_MINIMAL if ids.str.fullmatch(r"[^#\s][^\r]*").all() else csv.QUOTE_ALL


def _count_of_votes(standing: pd.DataFrame) -> str:
    by_rater = standing["rater"].value_counts(sort=False).sort_index()
    raters = ", ".join(f"{rater} {count}" for rater, count in by_rater.items())
    skips = int((standing["vote"] == SKIP).sum())
    return f"votes: {len(standing)} ({raters or 'none'}), of which {skips} skips"


def _by(rule: Rule) -> str:
    return f"a margin of {rule.margin} among {counted(rule.min_votes, 'vote')} or more"


def _adjudicated(decided: pd.DataFrame, rule: Rule) -> list[str]:
    count = int(decided["adjudicated"].sum())
    return [] if rule.adjudicator is None else [f"of these decided by {rule.adjudicator} alone: {count}"]


def _reasons(standing: pd.DataFrame) -> list[str]:
    counts = Counter(tag for tags in standing["tags"] if tags for tag in tags.split(SEPARATOR))
    named = ", ".join(f"{tag} {count}" for tag, count in counts.most_common())
    return [f"reasons: {named}"] if counts else []


def _on_gold(by_rater: pd.DataFrame) -> list[str]:
    seen = by_rater[by_rater["gold_seen"] > 0]
    return [
        f"known answers, {row.rater}: {row.gold_right} of {row.gold_seen} right" for row in seen.itertuples()
    ]


def _changes(decided: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Counts of flipped labels and of first ones; what no candidate of the review can be is left out."""
    counts = Counter(zip(decided["id"].map(labels), decided["label"], strict=True))
    before = set(labels.values())
    changes = []
    if before & set(LABELS):
        to_real, to_bogus = counts["bogus", "real"], counts["real", "bogus"]
        changes.append(f"{to_real + to_bogus} flipped ({to_real} bogus to real, {to_bogus} real to bogus)")
    if UNLABELLED_CLASS in before:
        real, bogus = counts[UNLABELLED_CLASS, "real"], counts[UNLABELLED_CLASS, "bogus"]
        changes.append(f"{real + bogus} labelled for the first time ({real} real, {bogus} bogus)")
    return ", ".join(changes)


def _kappas(found: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    groups = [(f"Cohen's kappa, {' and '.join(pair['raters'])}", pair) for pair in found["cohen"]]
    groups += [(f"Fleiss' kappa, first {group['votes']} votes", group) for group in found["fleiss"]]
    return [f"{name}: {_kappa(group['kappa'])} ({group['candidates']} candidates)" for name, group in groups]


def _kappa(value: float | None) -> str:
    return "unknown, because all votes are the same" if value is None else f"{value:z.2f}"
