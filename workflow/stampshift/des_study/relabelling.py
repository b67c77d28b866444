"""Corrected labels of a survey: from a review, from a relabelled table, or from the truth of planted flips.

Whatever they come from, they are written as one table for every stamp, old label and new one side by side.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.core.columns import TEXT, WHOLE
from stampshift.core.errors import ContractError
from stampshift.core.files import REMEDY, read_table
from stampshift.stamps.file import LABEL_NAMES, LABELS, Stamps
from stampshift.stamps.identifiers import check_rows, rows_of
from stampshift.surveys import des

REVIEW_COLUMNS = ("id", "old_label", "label")
TABLE_COLUMNS = {"old_OBJECT_TYPE": "old_label", "OBJECT_TYPE": "label"}


def corrected_labels(
    stamps: Stamps,
    *,
    origin: str,
    path: Path | str | None,
    candidates: Path | str | None,
    planted: Path | None,
    classes: Mapping[str, str],
    results: str,
) -> pd.DataFrame:
    """Old and new labels of every stamp.

    By `origin`, new ones come from the file at `path`, a ``"review"`` or a relabelled ``"table"``, or the
    `candidates` of a search get their true labels, ``"planted"``. `planted` is the table of planted flips,
    None where there are none. `classes` are the survey's, and `results` is the study's folder, for messages.

    Columns ``row`` (int64), ``id`` (str), ``old_label``, ``label`` and, where flips were planted,
    ``true_label`` (uint8, 1 real and 0 bogus), in the order of the stamps file. Raises a `ContractError` if
    a file is missing or of another format, has an unknown or repeated candidate, or another old label than
    the archive.
    """
    truth = None if planted is None else _of_every_stamp(planted, stamps, classes)
    if origin == "review":
        corrections = _of_review(Path(path or ""), stamps, results=results)
    elif origin == "table":
        corrections = _of_table(Path(path or ""), stamps, classes)
    elif truth is None or candidates is None:
        raise ContractError("labels: there are no planted flips to know the truth of.")
    else:  # the candidates get their true labels, as from a reviewer without error
        chosen = read_table(candidates, kinds={"row": WHOLE, "id": TEXT})
        check_rows(chosen, stamps, source=str(candidates), remedy=REMEDY)
        corrections = truth.iloc[chosen["row"]]
    labels = stamps.labels.copy()
    labels[corrections["row"]] = corrections["label"]
    columns = {
        "row": np.arange(len(stamps), dtype=np.int64),
        "id": stamps.ids.astype(object),
        "old_label": stamps.labels,
        "label": labels,
    }
    if truth is not None:
        columns["true_label"] = truth["label"].to_numpy()
    return pd.DataFrame(columns)


def _of_review(path: Path, stamps: Stamps, *, results: str) -> pd.DataFrame:
    """What people decided of some candidates: columns ``row`` and ``label``."""
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
    for name in REVIEW_COLUMNS[1:]:
        strange = table[~table[name].isin(list(LABELS))]
        if len(strange):
            raise ContractError(
                f"{path}: expected {' or '.join(LABELS)} as {name} of candidate {strange['id'].iloc[0]}, "
                f"found '{strange[name].iloc[0]}'. Export the review again."
            )
        table[name] = table[name].map(LABELS).astype(np.uint8)
    twice = table["id"][table["id"].duplicated()]
    if len(twice):
        raise ContractError(f"{path}: expected each candidate once, found {twice.iloc[0]} twice.")
    remedy = "It was made for other stamps."
    source = f"{path}: the stamps of {stamps.survey}"
    corrections = table.assign(row=rows_of(table["id"], among=stamps.ids, source=source, remedy=remedy))
    _check_old_labels(corrections, stamps, path)
    return corrections


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
    values = des.read_autoscan(path, list(TABLE_COLUMNS), remedy="Use a relabelled table of the archive.")
    remedy = "Use the table that belongs to the archive."
    ids = values["ID"].astype(str)
    lines = rows_of(stamps.ids, among=ids, source=f"{path}: the table", remedy=remedy)
    corrections = pd.DataFrame({"row": np.arange(len(stamps)), "id": stamps.ids.astype(object)})
    codes = {code: LABELS[classes[name]] for code, name in des.CLASSES.items()}
    for column, name in TABLE_COLUMNS.items():
        corrections[name] = values[column].iloc[lines].map(codes).to_numpy(np.uint8)
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
