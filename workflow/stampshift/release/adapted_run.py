"""What a release of an adapted model is made from: the stamps that `stampshift adapt` used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.core.files import read_table
from stampshift.core.shapes import check_shape
from stampshift.metrics.calibration import logit_difference
from stampshift.release.contract import Start
from stampshift.release.reference import ReleasedSurvey
from stampshift.release.run_files import with_labels
from stampshift.stamps.few_labels import FewLabels
from stampshift.stamps.file import UNLABELLED, Stamps
from stampshift.stamps.splits import NO_ROWS, Rows, Splits
from stampshift.training.run_folder import METRICS, PREDICTION_KINDS, PREDICTIONS, read_predictions

VALIDATION = "validation.parquet"  # scores of the labelled target stamps
ADAPT_AGAIN = "Adapt the model again."


@dataclass
class _Files:
    """Of an adaptation; None where there was none."""

    source_stamps: str | None
    source_splits: str | None
    source_labels: str | None = field(
        default=None, kw_only=True
    )  # that replaced those of the source's stamps
    target_stamps: str
    test_stamps: str | None


@dataclass
class _Measured:
    """Of a `metrics.change.Change`, what a card prints of either model."""

    n_real: int
    n_bogus: int
    balanced_accuracy: float
    recall_real: float
    recall_bogus: float
    recall_real_interval: tuple[float, float]
    recall_bogus_interval: tuple[float, float]


@dataclass
class _Change:
    survey: str
    stamps: str
    before: _Measured
    after: _Measured
    mended: int
    broken: int
    p_value: float


@dataclass
class _StartedFrom(Start):
    """In records of older versions with nothing but its digest."""

    sha256: str = field(kw_only=True)  # of its model file


@dataclass
class _AdaptedRecord:
    """Of the ``metrics.json`` of an adaptation, what the others lack."""

    files: _Files
    stamps: dict[str, str]  # digests of stamps files, by survey
    changes: list[_Change]
    started_from: _StartedFrom


def adapted_surveys(
    folder: Path, metrics: Mapping[str, Any]
) -> tuple[list[ReleasedSurvey], pd.DataFrame, Start | None]:
    """Surveys of what `stampshift adapt` wrote, scores of test stamps, and what the start had seen before.

    The start is None where the surveys tell it: where it was trained on the source alone, whose stamps are
    there.

    Raises
    ------
    ContractError
        If the record is damaged, a stamps file has changed, or the scores are of other stamps.
    """
    check_shape(metrics, _AdaptedRecord, path=folder / METRICS, remedy=ADAPT_AGAIN)
    files = {name: path and Path(path) for name, path in metrics["files"].items()}
    predictions, start = read_predictions(folder, remedy=ADAPT_AGAIN), Start.of(metrics["started_from"])
    surveys = []
    if files["source_stamps"] is not None and files["source_splits"] is not None:
        source = _unchanged(files["source_stamps"], folder, metrics["stamps"])
        splits = Splits.of(source, files["source_splits"])
        if files.get("source_labels") is not None:
            source = with_labels(source, files["source_labels"], splits)
        _check_tested(folder, predictions, source, splits.test)
        surveys.append(ReleasedSurvey("source", source, splits.train, splits.validation, NO_ROWS))
    elif not start.surveys:
        raise ContractError(
            f"{folder}: was adapted without stamps of its source, and its record does not say on which "
            f"surveys the model had been trained, which its card must. {ADAPT_AGAIN}"
        )
    surveys.append(_target(folder, metrics, files, predictions))
    told = not start.surveys or (
        [each.name for each in surveys[:-1]] == start.surveys and not start.simulated
    )
    return surveys, predictions, None if told else start


def _target(
    folder: Path, metrics: Mapping[str, Any], files: Mapping[str, Path], predictions: pd.DataFrame
) -> ReleasedSurvey:
    target = _unchanged(files["target_stamps"], folder, metrics["stamps"])
    few = FewLabels.of(target)
    held_out = read_table(folder / VALIDATION, remedy=ADAPT_AGAIN, kinds=PREDICTION_KINDS)
    beyond = held_out[~held_out["row"].isin(few.labelled)]
    if len(beyond):
        raise ContractError(
            f"{folder / VALIDATION}: expected rows of labelled stamps of {target.survey}, found "
            f"{beyond['row'].iloc[0]}. {ADAPT_AGAIN}"
        )
    tested = None if files["test_stamps"] is None else Stamps.verified(files["test_stamps"], unlabelled=True)
    if tested is not None:
        _check_tested(folder, predictions, tested, np.flatnonzero(tested.labels != UNLABELLED))
    return ReleasedSurvey(
        "target",
        target,
        train=np.sort(np.concatenate([few.labelled, few.pile])),
        validation=held_out["row"].to_numpy(np.int64),
        unlabelled=few.held_back,
        validation_logits=logit_difference(held_out["score"]).astype(np.float32),
        folds=few.folds(seed=metrics["seed"]),
        tested=tested,
    )


def _check_tested(folder: Path, predictions: pd.DataFrame, stamps: Stamps, rows: Rows) -> None:
    rows, lines = np.sort(rows), predictions[predictions["survey"] == stamps.survey].sort_values("row")
    if not np.array_equal(lines["row"], rows) or (stamps.labels[rows] != lines["label"]).any():
        raise ContractError(
            f"{folder / PREDICTIONS}: expected the {len(rows)} test stamps of {stamps.survey} with their "
            f"labels, found others. {ADAPT_AGAIN}"
        )


def _unchanged(path: Path, folder: Path, digests: Mapping[str, str]) -> Stamps:
    if not path.is_file():
        raise ContractError(f"{path} does not exist, but {folder} was adapted with it; put it back.")
    stamps = Stamps.verified(path, unlabelled=True)
    if stamps.attributes["digest"] != digests.get(stamps.survey):
        raise ContractError(
            f"{path}: has changed since {folder} was adapted with it; adapt again, or put it back."
        )
    return stamps
