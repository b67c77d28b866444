"""Reference stamps of a released model: held out of the training, none of them of a test part.

Stamps of the part ``validation`` have labels: calibration and operating points use them. The part
``unlabelled`` holds stamps of an adapted model's target that were held out of training without a label: a
survey's few shots are too few, and too evenly drawn, to say what its stamps look like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.metrics.calibration import fitted_calibration
from stampshift.release.onnx_network import OnnxNetwork
from stampshift.release.released import VALIDATION, calibrated
from stampshift.stamps.file import BOGUS, REAL, Stamps
from stampshift.stamps.splits import Rows

if TYPE_CHECKING:
    from stampshift.stamps.few_labels import Fold  # a part of scikit-learn that a threshold does not need

SAMPLE = 10_000  # at most so many stamps of a survey fit the outliers, and as many check the parity
UNLABELLED = "unlabelled"
ROUNDING = 1e-9  # 0.29 x 100 is a little less than 29


@dataclass(frozen=True)
class ReleasedSurvey:
    """A survey that a model was trained on."""

    role: str  # "source" or "target"
    stamps: Stamps
    train: Rows  # rows that the training saw; no label of theirs is read
    validation: Rows  # rows of the labelled stamps that chose the model's epoch; may be empty
    unlabelled: Rows  # rows held out of the training; no label of theirs is read; may be empty
    # float32, logit of real less bogus of the validation stamps, where the model was trained on these very
    # stamps: each is of a training that did not see the stamp. None where the model itself did not.
    validation_logits: NDArray[np.float32] | None = None
    folds: Sequence["Fold"] = ()  # of those trainings
    tested: Stamps | None = None  # file of the test stamps, where it is not `stamps`

    @property
    def name(self) -> str:
        """Of the survey."""
        return self.stamps.survey

    @property
    def held_out(self) -> Rows:
        """Rows of the reference: validation, then unlabelled."""
        return np.concatenate([self.validation, self.unlabelled])

    def sample(self, rows: Rows) -> NDArray[np.float32]:
        """Up to `SAMPLE` stamps of some rows."""
        return self.stamps.stamps[spread(rows, SAMPLE)]


def spread(rows: Rows, most: int) -> Rows:
    """At most so many of some rows, spread evenly and ascending: nothing is drawn."""
    count = min(most, len(rows))
    return np.sort(rows)[np.linspace(0, len(rows) - 1, count).round().astype(int)]


def reference_table(
    surveys: Sequence[ReleasedSurvey],
    *,
    network: OnnxNetwork,
    unseen: Mapping[str, NDArray[np.float32]],
) -> pd.DataFrame:
    """Score the reference stamps of all surveys.

    `unseen` has, by survey, (2, n) similarities and distances that replace those of its n validation stamps,
    where the network was fitted to these very stamps.

    Returns
    -------
    pandas.DataFrame
        Columns ``survey``, ``part``, ``label`` (Int8, missing where the part is unlabelled), ``logit`` (of
        real less bogus, not calibrated), ``similarity`` and ``distance``.

    Raises
    ------
    ContractError
        If a survey has no reference stamp.
    """
    tables = []
    for survey in surveys:
        if not len(survey.held_out):
            raise ContractError(
                f"{survey.name}: expected stamps that were held out of the training, found none; without "
                "them it is not known how the model scores this survey. Give some stamps, labelled or not."
            )
        outputs = network.run(survey.stamps.stamps, survey.held_out)
        labelled, unlabelled = len(survey.validation), len(survey.unlabelled)
        logits = outputs.logits[:, REAL] - outputs.logits[:, BOGUS]
        if survey.validation_logits is not None:
            logits[:labelled] = survey.validation_logits
        likeness = np.stack([outputs.similarity, outputs.distance])
        if survey.name in unseen:
            likeness[:, :labelled] = unseen[survey.name]
        labels = [*survey.stamps.labels[survey.validation].tolist(), *([None] * unlabelled)]
        columns = {
            "survey": survey.name,
            "part": [VALIDATION] * labelled + [UNLABELLED] * unlabelled,
            "label": pd.array(labels, dtype="Int8"),
            "logit": logits,
            "similarity": likeness[0],
            "distance": likeness[1],
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def calibrate(reference: pd.DataFrame, *, surveys: Sequence[str]) -> dict[str, Any]:
    """Fit the temperature on some surveys' validation stamps: the entry ``calibration`` of the contract."""
    rows = validation_rows(reference, surveys)
    labels = rows["label"].to_numpy(np.uint8)
    counts = {"n_real": int((labels == REAL).sum()), "n_bogus": int((labels == BOGUS).sum())}
    if not all(counts.values()):
        fitted: dict[str, Any] = {"stamps": len(rows), "fitted": False, "temperature": 1.0}
    else:
        fitted = fitted_calibration(labels, calibrated(rows["logit"].to_numpy(), 1))
    return {"surveys": list(surveys), **counts, **fitted}


def thresholds(reference: pd.DataFrame, *, quantile: float) -> dict[str, dict[str, float]]:
    """Limits of the distance by survey: the entry ``thresholds`` of the contract."""
    found = {}
    for survey in reference["survey"].unique():
        rows = fair_part(reference, survey)
        distance, expected = limit(rows["distance"].to_numpy(), quantile=quantile)
        found[str(survey)] = {"distance": distance, "expected": expected, "stamps": len(rows)}
    return found


def limit(distances: NDArray[np.float32], *, quantile: float) -> tuple[float, float]:
    """Distance beyond which a stamp is flagged, and the share of stamps like these expected beyond it.

    Of n reference stamps the k-th largest distance is taken: a further stamp of the same distribution is
    beyond it with probability k / (n + 1), whatever the distribution (Vovk et al. 2005). k is the largest for
    which that is at most `quantile`; fewer than 1 / quantile stamps cannot keep it, and k is then 1.
    """
    count = len(distances)
    rank = max(1, int(quantile * (count + 1) + ROUNDING))
    return float(np.sort(distances)[-rank]), rank / (count + 1)


def validation_rows(reference: pd.DataFrame, surveys: Sequence[str]) -> pd.DataFrame:
    """Labelled reference stamps of some surveys."""
    return reference[reference["survey"].isin(surveys) & (reference["part"] == VALIDATION)]


def fair_part(reference: pd.DataFrame, survey: str) -> pd.DataFrame:
    """The larger part of a survey's reference, of equals the unlabelled: it stands for stamps as they come.

    A source's validation part is a random sample. A target's shots are as many reals as bogus, whatever
    the survey sends, and few: there the unlabelled part is the fairer one.
    """
    rows = reference[reference["survey"] == survey]
    unlabelled = rows["part"] == UNLABELLED
    return rows[unlabelled == (2 * unlabelled.sum() >= len(rows))]
