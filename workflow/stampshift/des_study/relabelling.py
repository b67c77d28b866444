"""Corrected labels of a survey: from a review, from a relabelled table, or from the truth of planted flips.

Whatever they come from, they are written as one table for every stamp, old label and new one side by side.
"""

import logging
from collections.abc import Mapping
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.core.columns import TEXT, WHOLE
from stampshift.core.errors import ContractError
from stampshift.core.files import REMEDY, read_table
from stampshift.des_study.models import CAUSE, REVIEWED, TRUE
from stampshift.stamps.file import LABEL_NAMES, LABELS, UNLABELLED_CLASS, Stamps
from stampshift.stamps.identifiers import check_rows, rows_of
from stampshift.surveys import des

REVIEW_COLUMNS = ("id", "old_label", "label")
TABLE_COLUMNS = {"old_OBJECT_TYPE": "old_label", "OBJECT_TYPE": "label"}
CHECKED = "check_relabel"  # of the public table: not 0 where a person looked at the stamp
UNDECIDED = ("", UNLABELLED_CLASS)  # of an export that keeps candidates without a decision
EXACTLY = 1e-9  # 0.9 x 30 is a little more than 27


def corrected_labels(
    stamps: Stamps,
    *,
    origin: str,
    path: Path | str | None,
    candidates: Path | str | None,
    least_decided: float,
    planted: Path | None,
    classes: Mapping[str, str],
    results: str,
) -> pd.DataFrame:
    """Old and new labels of every stamp.

    By `origin`, new ones come from the file at `path`, a ``"review"`` of the `candidates` of a search or a
    relabelled ``"table"``, or the candidates get their true labels, ``"planted"``. A review has to decide a
    share `least_decided` of them. `planted` is the table of planted flips, None where there are none.
    `classes` are the survey's, and `results` is the study's folder, for messages.

    Columns ``row`` (int64), ``id`` (str), ``old_label``, ``label`` and, where flips were planted,
    ``true_label`` (uint8, 1 real and 0 bogus) and ``cause`` (str, what may make the label wrong; empty where
    nothing would), and ``reviewed``, 1 where somebody looked and decided, in the order of the stamps file.
    Raises a `ContractError` if a file is missing or of another format, has an unknown or repeated candidate,
    or another old label than the archive, or if too few are decided.
    """
    truth = None if planted is None else _of_every_stamp(planted, stamps, classes)
    if origin == "review":
        corrections = _of_review(Path(path or ""), stamps, results=results)
        chosen = _candidates(candidates, stamps)
        _check_decided(corrections, chosen, path, least_decided=least_decided, results=results)
        reviewed = corrections["row"]
    elif origin == "table":
        corrections = _of_table(Path(path or ""), stamps, classes)
        reviewed = _checked_rows(corrections, path)
    elif truth is None or candidates is None:
        raise ContractError("labels: there are no planted flips to know the truth of.")
    else:  # the candidates get their true labels, as from a reviewer without error
        reviewed = _candidates(candidates, stamps)
        corrections = truth.iloc[reviewed]
    labels = stamps.labels.copy()
    labels[corrections["row"]] = corrections["label"]
    columns = {
        "row": np.arange(len(stamps), dtype=np.int64),
        "id": stamps.ids.astype(object),
        "old_label": stamps.labels,
        "label": labels,
    }
    if truth is not None:
        columns |= {TRUE: truth["label"].to_numpy(), CAUSE: truth[CAUSE].to_numpy()}
    columns[REVIEWED] = np.isin(columns["row"], reviewed).astype(np.uint8)
    return pd.DataFrame(columns)


def _of_review(path: Path, stamps: Stamps, *, results: str) -> pd.DataFrame:
    """What people decided of some candidates: columns ``row`` and ``label``, without the undecided."""
    if not path.is_file():
        raise ContractError(
            f"{path} does not exist: there is no review, and without one no label is corrected and no "
            f"network retrained. Run `stampshift review {results}`, vote, export the decisions to {path} "
            "(`stampshift review-export`) and start the workflow again; or choose another "
            "des_study.relabels.origin."
        )
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=list(REVIEW_COLUMNS))
    except (ValueError, OSError) as error:
        raise ContractError(
            f"{path}: expected a CSV table with the columns {', '.join(REVIEW_COLUMNS)}, but it cannot be "
            f"read as one ({error}). Export the review again."
        ) from error
    table = table[~table["label"].isin(UNDECIDED)]
    for name in REVIEW_COLUMNS[1:]:
        strange = table[~table[name].isin(list(LABELS))]
        if len(strange):
            raise ContractError(
                f"{path}: expected {' or '.join(LABELS)} as {name} of candidate {strange['id'].iloc[0]}, "
                f"found '{strange[name].iloc[0]}'. Export the review again."
            )
        table = table.assign(**{name: table[name].map(LABELS).astype(np.uint8)})
    twice = table["id"][table["id"].duplicated()]
    if len(twice):
        raise ContractError(f"{path}: expected each candidate once, found {twice.iloc[0]} twice.")
    remedy = "It was made for other stamps."
    source = f"{path}: the stamps of {stamps.survey}"
    corrections = table.assign(row=rows_of(table["id"], among=stamps.ids, source=source, remedy=remedy))
    _check_old_labels(corrections, stamps, path)
    return corrections


def _candidates(path: Path | str | None, stamps: Stamps) -> pd.Series:
    """Rows of the candidates of a search."""
    if path is None:
        raise ContractError("labels: a review needs the candidates that were reviewed.")
    chosen = read_table(path, kinds={"row": WHOLE, "id": TEXT})
    check_rows(chosen, stamps, source=str(path), remedy=REMEDY)
    return chosen["row"]


def _check_decided(
    corrections: pd.DataFrame,
    candidates: pd.Series,
    path: Path | str | None,
    *,
    least_decided: float,
    results: str,
) -> None:
    """Raise a `ContractError` if a review has decided less than a share of the candidates."""
    decided = int(candidates.isin(corrections["row"]).sum())
    missing = ceil(least_decided * len(candidates) - EXACTLY) - decided
    if missing > 0:
        raise ContractError(
            f"{path}: {decided} of the {len(candidates)} candidates are decided; des_study.relabels."
            f"least_decided ({least_decided:g}) asks for {missing} more. Continue with `stampshift review "
            f"{results}`, let people vote again where they disagree, and export the decisions "
            "(`stampshift review-export`); or lower least_decided to train on a partial review."
        )


def _checked_rows(corrections: pd.DataFrame, path: Path | str | None) -> pd.Series:
    """Rows of a relabelled table that a person checked; those with another label where it does not say."""
    changed = corrections["label"] != corrections["old_label"]
    if CHECKED not in corrections:
        return corrections.loc[changed, "row"]
    checked = corrections[CHECKED] != 0
    unseen = int((changed & ~checked).sum())
    if unseen:
        logging.warning("%s: %d labels differ of stamps that %s says nobody checked", path, unseen, CHECKED)
    return corrections.loc[checked, "row"]


def _of_table(path: Path, stamps: Stamps, classes: Mapping[str, str]) -> pd.DataFrame:
    """Labels of a relabelled table of the archive, such as the public ``relabeled_autoscan_features.csv``."""
    if not path.is_file():
        raise ContractError(
            f"{path} does not exist: there is no relabelled table. Put it there, or change "
            "des_study.relabels."
        )
    return _of_every_stamp(path, stamps, classes)


def _of_every_stamp(path: Path, stamps: Stamps, classes: Mapping[str, str]) -> pd.DataFrame:
    """Labels of a table in DES' format, in the stamps' order; it may hold candidates that were dropped."""
    remedy = "Use a relabelled table of the archive."
    values = des.read_autoscan(path, list(TABLE_COLUMNS), perhaps=[CHECKED, CAUSE], remedy=remedy)
    remedy = "Use the table that belongs to the archive."
    ids = values["ID"].astype(str)
    lines = rows_of(stamps.ids, among=ids, source=f"{path}: the table", remedy=remedy)
    corrections = pd.DataFrame({"row": np.arange(len(stamps)), "id": stamps.ids.astype(object)})
    codes = {code: LABELS[classes[name]] for code, name in des.CLASSES.items()}
    for column, name in TABLE_COLUMNS.items():
        corrections[name] = values[column].iloc[lines].map(codes).to_numpy(np.uint8)
    if CHECKED in values:
        corrections[CHECKED] = values[CHECKED].iloc[lines].to_numpy()
    if CAUSE in values:
        corrections[CAUSE] = values[CAUSE].iloc[lines].fillna("").to_numpy(object)
    _check_old_labels(corrections, stamps, path)
    return corrections


def _check_old_labels(corrections: pd.DataFrame, stamps: Stamps, path: Path) -> None:
    old, own = corrections["old_label"].to_numpy(), stamps.labels[corrections["row"]]
    if (old != own).any():
        first = int(np.argmax(old != own))
        raise ContractError(
            f"{path}: the old label of candidate {corrections['id'].iloc[first]} is "
            f"{LABEL_NAMES[old[first]]} there and {LABEL_NAMES[own[first]]} in the archive "
            f"({int((old != own).sum())} differ in all). It was made for other stamps than those of "
            f"{stamps.survey}."
        )
