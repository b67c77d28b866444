"""What a release is made from: a trained run, with the stamps and splits that it was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stampshift.config.experiment import Run
from stampshift.core.errors import ContractError
from stampshift.methods import METHODS
from stampshift.release.adapted_run import adapted_surveys
from stampshift.release.contract import Start
from stampshift.release.reference import ReleasedSurvey
from stampshift.release.run_files import SOURCES, labels_of, splits_of, stamps_of, with_labels
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import NO_ROWS, Rows, Splits
from stampshift.tables.predictions import pool_predictions
from stampshift.training.model import Model
from stampshift.training.run_folder import (
    FACTORS,
    METRICS,
    MODEL,
    PREDICTIONS,
    UNUSABLE,
    read_metrics,
    read_trained_run,
)

SHOTS = "validation_shots"  # target stamps per class that chose the epoch
FOR_THE_CARD = ("options", "versions", "code_digest", "epochs", "kept_epoch", "device")  # of metrics.json


@dataclass(frozen=True)
class TrainedRun:
    """A trained model with all that its release needs."""

    model: Model
    metrics: Mapping[str, Any]  # content of metrics.json; it and the predictions are for the card alone
    predictions: pd.DataFrame
    # of the source, unless its stamps are not there, and of an adapted model the target
    surveys: Sequence[ReleasedSurvey]
    start: Start | None = None  # of an adapted model, what it had seen before, where `surveys` do not tell

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
        surveys, predictions, start = adapted_surveys(folder, metrics)
        return TrainedRun(Model.open(folder / MODEL), metrics, predictions, surveys, start)
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
            survey = with_labels(survey, labels, split)
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
