"""Features that extractors give to test stamps of source and target: the material of the domain shift."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from stampshift.config.experiment import Run
from stampshift.networks.bolivar import FEATURES
from stampshift.networks.classifier import Classifier
from stampshift.stamps.file import BOGUS, REAL, Stamps
from stampshift.stamps.splits import Rows, Splits
from stampshift.training.device import choose_device, set_up_process
from stampshift.training.model import Model
from stampshift.training.predict import scoring_batch

FEATURE_COLUMNS = [f"feature_{index:03d}" for index in range(FEATURES)]


def extract_features(
    runs: Sequence[Run],
    *,
    models: Sequence[Path],
    stamps: Sequence[Path],
    splits: Sequence[Path],
    per_survey: int,
    device: str,
) -> pd.DataFrame:
    """Compute the features of the same test stamps of some surveys under some models.

    Every survey gives as many reals as bogus stamps and as many as the others, so that no difference
    of class proportions is taken for one of domains.

    Parameters
    ----------
    runs
        All of one split.
    models
        Model file of each run.
    stamps, splits
        Stamps file and splits file of each survey, of the same split.
    per_survey
        Stamps of a survey, at most: fewer where a test part holds fewer of a label.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    pandas.DataFrame
        Columns ``method``, ``shots``, ``survey``, ``row``, ``label`` and `FEATURE_COLUMNS` (float32), the
        extractor's output in evaluation mode.
    """
    set_up_process()
    torch_device = choose_device(device)
    surveys = [Stamps.open(path) for path in stamps]
    samples = balanced_samples(
        surveys, test_parts=[Splits.open(path).test for path in splits], per_survey=per_survey
    )
    tables = []
    for run, model in zip(runs, models, strict=True):
        classifier = Model.open(model).classifier(torch_device)
        for survey, rows in zip(surveys, samples, strict=True):
            head = {
                "method": run.method,
                "shots": run.shots,
                "survey": survey.survey,
                "row": rows,
                "label": survey.labels[rows],
            }
            features = _features(classifier, survey.stamps, rows, device=torch_device)
            tables.append(
                pd.concat([pd.DataFrame(head), pd.DataFrame(features, columns=FEATURE_COLUMNS)], axis=1)
            )
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


def _features(
    classifier: Classifier, stamps: NDArray[np.float32], rows: Rows, *, device: torch.device
) -> NDArray[np.float32]:
    features = np.empty((len(rows), FEATURES), np.float32)
    batch = scoring_batch(stamps)
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            block = torch.from_numpy(stamps[rows[start : start + batch]]).to(device)
            outputs = classifier.extractor(block.contiguous(memory_format=torch.channels_last))
            features[start : start + batch] = outputs.cpu().numpy()
    return features
