"""Predictions of several models on one test part, and the labels by which they are judged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from stampshift.core.columns import WHOLE
from stampshift.core.errors import ContractError
from stampshift.core.files import REMEDY, read_table
from stampshift.tables.predictions import pool_predictions

# the archive's table lacks a value for some stamps, which this forest cannot judge
JUDGES_SOME = ("forest",)
CORRECTED, OLD, TRUE, REVIEWED = "label", "old_label", "true_label", "reviewed"  # columns of the labels file
CAUSE = "cause"  # of a planted flip, and of stamps of the same kind


def read_test_part(
    paths: Sequence[Path | str], *, models: Sequence[str], survey: str, test: ArrayLike
) -> pd.DataFrame:
    """`pool_predictions` of some models on one test part, rows (n,) of the stamps file.

    The model's name is its ``method``, 0 its shots and seed. Raises a `ContractError` if a file is of another
    survey, has a stamp twice, or lacks one of the test part, which only the models `JUDGES_SOME` may.
    """
    runs = [{"method": model, "shots": 0, "seed": 0} for model in models]
    predictions = pool_predictions(paths, runs=runs, surveys=[survey])
    rows = np.asarray(test)
    predictions = predictions[predictions["row"].isin(rows)].reset_index(drop=True)
    for path, model in zip(paths, models, strict=True):
        found = predictions.loc[predictions["method"] == model, "row"]
        lacking = len(rows) - found.nunique()
        if found.duplicated().any() or found.empty or (lacking and model not in JUDGES_SOME):
            raise ContractError(
                f"{path}: expected one prediction for each of the {len(rows)} stamps of the test part, found "
                f"{len(found)} of {found.nunique()} of them. Delete the folder {Path(path).parent}; the "
                "workflow makes it again."
            )
    return predictions


def common_stamps(predictions: pd.DataFrame) -> pd.DataFrame:
    """Lines of the stamps that every model judges, of predictions as of `read_test_part`."""
    judges = predictions.groupby("row")["method"].transform("size")
    return predictions[judges == predictions["method"].nunique()]


def read_labels(path: Path | str) -> pd.DataFrame:
    """Read a labels file, with the columns of `relabelling.corrected_labels`."""
    labels = read_table(path, kinds=dict.fromkeys(("row", OLD, CORRECTED, REVIEWED), WHOLE))
    twice = int(labels["row"].duplicated().sum())
    if twice:
        raise ContractError(
            f"{path}: expected one line per stamp, found {twice} lines of stamps that have one. {REMEDY}"
        )
    return labels


def judged_by(predictions: pd.DataFrame, *, labels: pd.DataFrame, column: str) -> pd.DataFrame:
    """Predictions with the labels of a column of the labels file in place of those of the training."""
    if column not in labels.columns:
        raise ContractError(
            f"labels: expected the column {column}, found {', '.join(map(str, labels.columns))}; true labels "
            "are known only of flips that the simulator planted (surveys.<survey>.simulate.flipped)."
        )
    label = predictions["row"].map(labels.set_index("row")[column])
    if label.isna().any():
        missing = predictions.loc[label.isna(), "row"].iloc[0]
        raise ContractError(
            f"labels: expected a label for every stamp, found none for row {missing} of the stamps file. "
            "Delete the labels file; the workflow makes it again."
        )
    return predictions.assign(label=label.astype("uint8"))
