"""Scores of the stamps that chose a model's best epoch: all that a calibration may see."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from stampshift.config.experiment import Run
from stampshift.training.data import TrainingData
from stampshift.training.device import choose_device, set_up_process
from stampshift.training.model import Model
from stampshift.training.predict import predict


def score_validation(
    runs: Sequence[Run],
    *,
    models: Sequence[Path],
    stamps: Mapping[str, Path],
    splits: Sequence[Mapping[str, Path]],
    validation_shots: int,
    device: str,
) -> pd.DataFrame:
    """Score the validation stamps of every run of a cohort with the run's own model.

    They are those of the training itself: the source's validation part for a baseline, the target's
    validation shots for an adapted model. No stamp of a test part is among them.

    Parameters
    ----------
    runs
        Of one method, pair and number of shots, one per split.
    models
        Model file of each run.
    stamps
        Stamps file of the source and, for an adaptation, of the target, by survey.
    splits
        Splits files by survey, for each run.
    validation_shots
        Labelled target stamps per class that choose the best epoch; a baseline has no use for it.
    device
        Where to score: ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    pandas.DataFrame
        Columns ``seed``, ``survey``, ``row``, ``label`` and ``score``, as in ``predictions.parquet``.
    """
    set_up_process()
    torch_device = choose_device(device)
    tables = []
    for run, model, files in zip(runs, models, splits, strict=True):
        data = TrainingData.open(
            run, stamps=stamps, splits=files, labels=None, validation_shots=validation_shots
        )
        # as every method says of itself: an adaptation chooses its epoch on the target's shots
        origin, survey = ("source", run.source) if run.target is None else ("target", run.target)
        validation = data.validation(origin)
        classifier = Model.open(model).classifier(torch_device)
        scores = predict(classifier, validation.stamps, validation.rows, device=torch_device)
        columns = {"row": validation.rows, "label": validation.labels, "score": scores}
        tables.append(pd.DataFrame({"seed": run.seed, "survey": survey} | columns))
    return pd.concat(tables, ignore_index=True)
