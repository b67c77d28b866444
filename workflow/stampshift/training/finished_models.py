"""What finished models make of stamps: scores of those that chose the epoch, and extractors' features."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.config.experiment import Run
from stampshift.stamps.file import BOGUS, REAL, Stamps, verify_stamps
from stampshift.stamps.splits import Rows, Splits
from stampshift.training.data import SurveyFiles, TrainingData
from stampshift.training.device import choose_device, set_up_process
from stampshift.training.model import Model, in_batches, predict


def score_validation(
    runs: Sequence[Run],
    *,
    sources: Sequence[str],
    models: Sequence[Path],
    stamps: Mapping[str, Path],
    splits: Sequence[Mapping[str, Path]],
    validation_shots: int,
    device: str,
) -> pd.DataFrame:
    """Score the validation stamps of every run of a cohort with the run's own model.

    They are those of the training itself: the source's validation part for a baseline and for a model adapted
    with 0 shots, the target's validation shots (`validation_shots` per class) for the others. No stamp of a
    test part is among them: this is all that a calibration may see.

    `sources` are the surveys of the runs' source. Stamps files are by survey, splits files by survey for each
    run, and `device` is ``"auto"``, ``"cpu"`` or ``"cuda"``. The table has the columns ``seed``, ``survey``
    (or the source of several, through whose surveys its rows are counted), ``row``, ``label`` and ``score``.
    """
    set_up_process()
    torch_device = choose_device(device)
    for path in stamps.values():
        verify_stamps(path, fingerprints=False)
    tables = []
    for run, model, own_splits in zip(runs, models, splits, strict=True):
        files = {survey: SurveyFiles(stamps[survey], path, None) for survey, path in own_splits.items()}
        data = TrainingData.open(run, files, sources=sources, validation_shots=validation_shots)
        # as in every method: with shots an adaptation chooses its epoch on the target's
        origin, survey = ("target", run.target) if run.shots else ("source", run.source)
        validation = data.validation(origin)
        classifier = Model.open(model).classifier(torch_device)
        scores = predict(classifier, validation.stamps, validation.rows, device=torch_device)
        columns = {"row": validation.rows, "label": validation.labels, "score": scores}
        tables.append(pd.DataFrame({"seed": run.seed, "survey": survey} | columns))
    return pd.concat(tables, ignore_index=True)


def extract_features(
    runs: Sequence[Run],
    *,
    models: Sequence[Path],
    stamps: Sequence[Path],
    splits: Sequence[Path],
    per_survey: int,
    device: str,
) -> pd.DataFrame:
    """Features of the same test stamps of some surveys under the models of some runs, all of one split.

    Every survey gives as many reals as bogus stamps and as many as the others, so that no difference
    of class proportions is taken for one of domains: at most `per_survey`, fewer where a test part holds
    fewer of a label.

    The table has the columns ``method``, ``shots``, ``survey``, ``row``, ``label`` and ``feature_000``,
    ``feature_001``, ... (float32), the extractor's output in evaluation mode.
    """
    set_up_process()
    torch_device = choose_device(device)
    surveys = [Stamps.verified(path) for path in stamps]
    test_parts = [Splits.of(survey, path).test for survey, path in zip(surveys, splits, strict=True)]
    samples = balanced_samples(surveys, test_parts=test_parts, per_survey=per_survey)
    tables = []
    for run, model in zip(runs, models, strict=True):
        classifier = Model.open(model).classifier(torch_device)
        extractor, outputs = classifier.extractor, (classifier.n_features,)
        columns_of_features = [f"feature_{index:03d}" for index in range(*outputs)]
        for survey, rows in zip(surveys, samples, strict=True):
            columns = {"survey": survey.survey, "row": rows, "label": survey.labels[rows]}
            head = pd.DataFrame({"method": run.method, "shots": run.shots} | columns)
            features = in_batches(extractor, survey.stamps, rows, outputs=outputs, device=torch_device)
            tables.append(pd.concat([head, pd.DataFrame(features, columns=columns_of_features)], axis=1))
    return pd.concat(tables, ignore_index=True)


def balanced_samples(surveys: Sequence[Stamps], *, test_parts: Sequence[Rows], per_survey: int) -> list[Rows]:
    """Rows of as many reals as bogus of each survey, spread evenly over its test part, ascending.

    Nothing is drawn: the same files give the same rows.
    """
    by_label = [
        [test[survey.labels[test] == label] for label in (REAL, BOGUS)]
        for survey, test in zip(surveys, test_parts, strict=True)
    ]
    count = min([per_survey // 2, *(len(rows) for labels in by_label for rows in labels)])
    return [np.sort(np.concatenate([_spread(rows, count) for rows in labels])) for labels in by_label]


def _spread(rows: Rows, count: int) -> Rows:
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]
