"""What a release is made from: a trained run, with the stamps and splits that it was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stampshift.config.experiment import Run
from stampshift.core.errors import ContractError
from stampshift.core.files import read_table
from stampshift.core.provenance import file_digest
from stampshift.core.shapes import check_shape
from stampshift.methods import METHODS
from stampshift.metrics.calibration import logit_difference
from stampshift.release.reference import ReleasedSurvey
from stampshift.release.run_files import labels_of, splits_of, stamps_of
from stampshift.stamps.few_labels import FewLabels
from stampshift.stamps.file import UNLABELLED, Stamps
from stampshift.stamps.label_file import relabelled
from stampshift.stamps.splits import NO_ROWS, Rows, Splits
from stampshift.tables.predictions import pool_predictions
from stampshift.training.model import Model
from stampshift.training.run_folder import (
    FACTORS,
    METRICS,
    MODEL,
    PREDICTION_KINDS,
    PREDICTIONS,
    UNUSABLE,
    read_metrics,
    read_predictions,
    read_trained_run,
)

SHOTS = "validation_shots"  # target stamps per class that chose the epoch
VALIDATION = "validation.parquet"  # of an adapted model: scores of its labelled target stamps
SOURCES = "source_surveys"  # in metrics.json, where it was written
FOR_THE_CARD = ("options", "versions", "code_digest", "epochs", "kept_epoch", "device")  # of metrics.json
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
class _AdaptedRecord:
    """Of the ``metrics.json`` of an adaptation, what the others lack."""

    files: _Files
    stamps: dict[str, str]  # digests of stamps files, by survey
    changes: list[_Change]


@dataclass(frozen=True)
class TrainedRun:
    """A trained model with all that its release needs."""

    model: Model
    metrics: Mapping[str, Any]  # content of metrics.json; it and the predictions are for the card alone
    predictions: pd.DataFrame
    surveys: Sequence[ReleasedSurvey]  # of the source and, of an adapted model, the target

    @property
    def homes(self) -> list[ReleasedSurvey]:
        """The surveys for which the model was made: the target, or the source's surveys if there is none."""
        return [each for each in self.surveys if each.role == "target"] or list(self.surveys)


def open_run(
    folder: Path, *, stamps: Sequence[Path] = (), splits: Sequence[Path] = (), labels: Path | None = None
) -> TrainedRun:
    """Open a run of the workflow or of `stampshift adapt`, with the stamps and splits that it was trained on.

    Stamps, splits and labels given here replace those that are found in the run's results. A labels file is
    one that replaced the source's own labels in the training, as in the second study.

    Raises
    ------
    ContractError
        If a file is missing or breaks its contract, or the splits or labels are not those of the run's
        predictions.
    """
    metrics = read_trained_run(folder)
    read_metrics(folder, needed=(*FACTORS, *FOR_THE_CARD))
    trained_by = metrics.get("trained_by", metrics["method"])
    if trained_by not in METHODS:
        known = ", ".join(METHODS)
        raise ContractError(
            f"{folder}: expected a run that was trained by one of {known}, found '{trained_by}'. Export it "
            "with the stampshift that trained it."
        )
    try:
        METHODS[trained_by](metrics["options"])
    except Exception as error:  # of options that are not its own a method raises anything
        raise ContractError(
            f"{folder / METRICS}: expected options of {trained_by}, found {metrics['options']!r:.200}. "
            f"{UNUSABLE}"
        ) from error
    if "changes" in metrics:  # only `stampshift adapt` writes these
        if labels is not None:
            raise ContractError(
                f"{folder}: is an adaptation, whose stamps hold its labels; leave out --labels."
            )
        return _adaptation(folder, metrics)
    run = Run(**{name: metrics[name] for name in FACTORS})
    sources = metrics.get(SOURCES, [run.source])
    # a target that is one of the source's surveys has the target's role: that of the model's home
    names = [name for name in sources if name != run.target] + ([run.target] if run.target else [])
    labels = labels or labels_of(folder)
    voted = labels is not None  # then not every stamp has a label
    given = {each.survey: each for each in (Stamps.verified(path, unlabelled=voted) for path in stamps)}
    parts = {Splits.open(path).survey: path for path in splits}
    predictions = pool_predictions([folder / PREDICTIONS], runs=[vars(run)], surveys=names)
    surveys = []
    for name in names:
        survey = given.get(name) or Stamps.verified(stamps_of(folder, run, name), unlabelled=voted)
        split = Splits.of(survey, parts.get(name) or splits_of(folder, run, name))
        if name in sources and labels is not None:
            survey = _with_labels(survey, labels, split)
        _check_predictions(folder, predictions[predictions["survey"] == name], survey, split)
        if name != run.target:
            surveys.append(ReleasedSurvey("source", survey, split.train, split.validation, NO_ROWS))
        else:  # the validation shots are labelled, the others of that part are not
            shots = _validation_shots(folder, split)
            others = np.setdiff1d(split.validation, shots)
            surveys.append(ReleasedSurvey("target", survey, split.train, shots, others))
    return TrainedRun(Model.open(folder / MODEL), metrics, predictions, surveys)


def _validation_shots(folder: Path, split: Splits) -> Rows:
    """Rows of the labelled validation stamps that chose the epoch of a run."""
    count = read_metrics(folder, needed=[SHOTS])[SHOTS]
    most = min(len(split.validation_real), len(split.validation_bogus))
    if not 0 <= count <= most:
        raise ContractError(
            f"{folder / METRICS}: expected 0 to {most} {SHOTS} per class, which its split of {split.survey} "
            f"has, found {count}. {UNUSABLE}"
        )
    return split.validation_shots(count)


def _with_labels(survey: Stamps, labels: Path, splits: Splits) -> Stamps:
    """Stamps with the labels of a labels file; stamps in no part of the split then have none."""
    rows = np.concatenate([splits.train, splits.validation, splits.test])
    given = np.full(len(survey), UNLABELLED, np.uint8)
    given[rows] = relabelled(survey, labels, rows=rows).labels[rows]
    replaced = rows[survey.labels[rows] != UNLABELLED]
    changed = int((given[replaced] != survey.labels[replaced]).sum())
    file = {"name": labels.name, "sha256": file_digest(labels), "replaced": len(replaced), "changed": changed}
    return replace(survey, labels=given, attributes={**survey.attributes, "labels": file})


def _check_predictions(folder: Path, lines: pd.DataFrame, survey: Stamps, splits: Splits) -> None:
    """Refuse other splits, and other labels: these would fit the temperature and fill the card."""
    if not np.array_equal(np.sort(lines["row"]), np.sort(splits.test)):
        raise ContractError(
            f"{folder}: expected predictions of the {len(splits.test)} test stamps of the splits of "
            f"{splits.survey}, found those of {len(lines)} stamps, which are not the same; give the splits "
            "file that the run was trained on."
        )
    other = int((survey.labels[lines["row"]] != lines["label"]).sum())
    if other:
        raise ContractError(
            f"{folder}: expected the test labels of its predictions.parquet, found a different label for "
            f"{other} of {len(lines)} test stamps of {survey.survey}. The run was trained on other labels: "
            "give its labels file with --labels, such as results/des_study/labels.parquet, or leave --labels "
            "out if it was trained on the archive's."
        )


def _adaptation(folder: Path, metrics: Mapping[str, Any]) -> TrainedRun:
    """What `stampshift adapt` wrote, and the stamps that it used."""
    check_shape(metrics, _AdaptedRecord, path=folder / METRICS, remedy=ADAPT_AGAIN)
    files = {name: path and Path(path) for name, path in metrics["files"].items()}
    if files["source_stamps"] is None or files["source_splits"] is None:
        raise ContractError(
            f"{folder}: was adapted without stamps of its source, which a released model needs to know what "
            "stamps look like; adapt it again: `stampshift adapt` with --source-stamps and --source-splits."
        )
    source, target = (
        _unchanged(files[f"{name}_stamps"], folder, metrics["stamps"]) for name in ("source", "target")
    )
    splits, few = Splits.of(source, files["source_splits"]), FewLabels.of(target)
    if files.get("source_labels") is not None:
        source = _with_labels(source, files["source_labels"], splits)
    held_out = read_table(folder / VALIDATION, remedy=ADAPT_AGAIN, kinds=PREDICTION_KINDS)
    beyond = held_out[~held_out["row"].isin(few.labelled)]
    if len(beyond):
        raise ContractError(
            f"{folder / VALIDATION}: expected rows of labelled stamps of {target.survey}, found "
            f"{beyond['row'].iloc[0]}. {ADAPT_AGAIN}"
        )
    predictions = read_predictions(folder, remedy=ADAPT_AGAIN)
    tested = None if files["test_stamps"] is None else Stamps.verified(files["test_stamps"], unlabelled=True)
    _check_tested(folder, predictions, source, splits.test)
    if tested is not None:
        _check_tested(folder, predictions, tested, np.flatnonzero(tested.labels != UNLABELLED))
    known = ReleasedSurvey("source", source, splits.train, splits.validation, NO_ROWS)
    new = ReleasedSurvey(
        "target",
        target,
        train=np.sort(np.concatenate([few.labelled, few.pile])),
        validation=held_out["row"].to_numpy(np.int64),
        unlabelled=few.held_back,
        validation_logits=logit_difference(held_out["score"]).astype(np.float32),
        tested=tested,
    )
    return TrainedRun(Model.open(folder / MODEL), metrics, predictions, [known, new])


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
