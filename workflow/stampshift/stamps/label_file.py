"""Labels that replace those of a stamps file: corrected ones, or people's votes.

A labels file is a table with a line per stamp: ``row`` of the stamps file, ``id`` of the candidate, ``label``
(uint8, 1 real and 0 bogus) and perhaps further columns, such as ``old_label``. Stamps that it leaves out
have no label.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.core.columns import IDENTIFIER, WHOLE
from stampshift.core.errors import ContractError
from stampshift.core.files import read_table
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, Stamps
from stampshift.stamps.identifiers import check_rows
from stampshift.stamps.splits import Rows, Splits, make_splits

COLUMNS = {"row": WHOLE, "id": IDENTIFIER, "label": WHOLE}


def relabelled(stamps: Stamps, labels: Path | None, *, rows: Rows) -> Stamps:
    """Stamps with the labels of a labels file, if there is one, in place of their own.

    A `ContractError` is raised if the file breaks its contract, or misses one of the `rows` that are used.
    """
    if labels is None:
        return stamps
    table = read_labels(labels, stamps)
    held = table["row"].to_numpy(np.int64)
    missing = np.setdiff1d(rows, held)
    if len(missing):
        raise ContractError(
            f"{labels}: expected a label for each of the {len(rows)} stamps of {stamps.survey} that are "
            f"used, but {len(missing)} have none, among them candidate {stamps.ids[missing[0]]}. Delete the "
            "labels file and the splits; the workflow makes them again."
        )
    given = np.full_like(stamps.labels, UNLABELLED)  # no other label of the stamps file stays
    given[held] = table["label"].to_numpy(np.uint8)
    return replace(stamps, labels=given)


def read_labels(path: Path, stamps: Stamps) -> pd.DataFrame:
    """Table of a labels file; a `ContractError` if it is damaged, of other stamps, or holds another label."""
    table = read_table(path, remedy="Delete this labels file.", kinds=COLUMNS)
    label = table["label"]
    check_rows(table, stamps, source=str(path), remedy="The file was made for other stamps: delete it.")
    strange = label[~label.isin([REAL, BOGUS])]
    if len(strange):
        raise ContractError(f"{path}: expected labels 1 (real) and 0 (bogus), found {strange.iloc[0]}.")
    return table


def split_labelled(
    stamps: Stamps,
    labels: Path | None,
    *,
    fractions: Mapping[str, float],
    seed: int,
    grouped: bool,
    stratified: bool,
) -> Splits:
    """Splits (`splits.make_splits`) of the stamps that a labels file holds, by its labels.

    The others are in no part. Without a labels file, all stamps are split by their own labels.
    """
    rows = None if labels is None else np.sort(read_labels(labels, stamps)["row"].to_numpy(np.int64))
    own = stamps if labels is None or rows is None else relabelled(stamps, labels, rows=rows)
    return make_splits(own, fractions=fractions, seed=seed, rows=rows, grouped=grouped, stratified=stratified)
