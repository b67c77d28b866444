"""Tables of a model card: a list of lines, each a cell by heading."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from stampshift.core.errors import ContractError
from stampshift.metrics.calibration import calibration_quantities
from stampshift.metrics.change import Change
from stampshift.metrics.intervals import Bootstrap, balanced_accuracy, interval
from stampshift.metrics.metrics import THRESHOLD
from stampshift.release.contract import Contract
from stampshift.release.faulty import FAULTS
from stampshift.release.reference import ReleasedSurvey
from stampshift.release.released import ReleasedModel
from stampshift.release.threshold import CONFIDENCE, Rate, choose, rate
from stampshift.stamps.file import BOGUS, LABEL_NAMES, LABELS, REAL
from stampshift.stamps.splits import Rows

Lines = list[dict[str, Any]]
BINS = 15
BOOTSTRAP = Bootstrap(samples=1000, confidence=CONFIDENCE, seed=0)
MDRS = (0.01, 0.05)
NO_STAMP = "no stamp"


def data_lines(
    surveys: Sequence[ReleasedSurvey], predictions: pd.DataFrame, metrics: Mapping[str, Any]
) -> Lines:
    """Stamps of each survey, and in what part they are."""
    lines = []
    for each in surveys:
        shots = len(each.train) if each.role == "source" else sum(shots_by_label(metrics).values())
        lines.append(
            {
                "survey": each.name,
                "role": each.role,
                "stamps": len(each.stamps),
                "real": (each.stamps.labels == REAL).sum(),
                "bogus": (each.stamps.labels == BOGUS).sum(),
                "train, labelled": shots,
                "train, unlabelled": len(each.train) - shots,
                "validation, labelled": len(each.validation),
                "reference, unlabelled": len(each.unlabelled),
                "test": (predictions["survey"] == each.name).sum(),
            }
        )
    return lines


def shots_by_label(metrics: Mapping[str, Any]) -> dict[str, int]:
    """Labelled target stamps by label: one number for each in the study, two outside of it."""
    shots = metrics["shots"]
    return dict(shots) if isinstance(shots, Mapping) else dict.fromkeys(LABELS, shots)


def performance_lines(tested: pd.DataFrame) -> Lines:
    """Balanced accuracy, MDR, FPR at a score of one half, and AUC, by survey."""
    lines = []
    for survey, rows in tested.groupby("survey", sort=False):
        real, called = rows["label"] == REAL, rows["raw"] > THRESHOLD
        found = interval(rows["label"], rows["raw"], statistic=balanced_accuracy, bootstrap=BOOTSTRAP)
        lines.append(
            {
                "survey": survey,
                "real": real.sum(),
                "bogus": (~real).sum(),
                "balanced accuracy": _cell(found),
                "MDR": _share(~called[real]),
                "FPR": _share(called[~real]),
                "AUC": f"{roc_auc_score(rows['label'], rows['raw']):.4f}",
            }
        )
    return lines


def class_lines(tested: pd.DataFrame) -> Lines:
    """Recall of each survey's own classes, the reals first."""
    right = (tested["raw"] > THRESHOLD) == (tested["label"] == REAL)
    order = pd.Categorical(tested["survey"], categories=tested["survey"].unique())
    groups = right.groupby([order, tested["label"] != REAL, tested["class"]], observed=True)
    return [
        {
            "survey": survey,
            "class": name,
            "label": LABEL_NAMES[BOGUS if bogus else REAL],
            "stamps": len(rows),
            "recall": _share(rows),
        }
        for (survey, bogus, name), rows in groups
    ]


def calibration_lines(tested: pd.DataFrame) -> Lines:
    """Calibration numbers of the test scores before and after the temperature, by survey."""
    return [
        {"survey": survey, "temperature": name}
        | {
            quantity: f"{value:.4f}"
            for quantity, value in calibration_quantities(rows["label"], rows[column], bins=BINS).items()
        }
        for survey, rows in tested.groupby("survey", sort=False)
        for name, column in (("before", "raw"), ("after", "score"))
    ]


def not_helped(calibration: Lines, survey: str) -> list[str]:
    """Calibration numbers of a survey's test stamps that the temperature did not improve."""
    lines = {line["temperature"]: line for line in calibration if line["survey"] == survey}
    return [
        f"{name} ({lines['before'][name]} before, {lines['after'][name]} after)"
        for name in lines.get("before", {})
        if name not in ("survey", "temperature")
        and float(lines["after"][name]) > float(lines["before"][name])
    ]


def operating_lines(release: ReleasedModel, tested: pd.DataFrame) -> Lines:
    """Thresholds chosen on validation stamps, and what they do there and on test stamps."""
    home = release.contract.home
    rows = tested[tested["survey"] == home]
    real, score = rows["label"] == REAL, rows["score"].astype(float)
    lines = []
    for mdr in MDRS:
        try:
            point = choose(release, survey=home, max_mdr=mdr, max_fpr=None)
        except ContractError:  # validation stamps of one label, or none
            continue
        lines.append(
            {
                "MDR asked for": f"{mdr:g}",
                "threshold": f"{point.threshold:.6g}",
                "MDR, validation": _cell(point.mdr),
                "FPR, validation": _cell(point.fpr),
                "MDR, test": _share(score[real] < point.threshold),
                "FPR, test": _share(score[~real] >= point.threshold),
                "promised": "no" if point.caveats else "yes",
            }
        )
    return lines


def change_lines(metrics: Mapping[str, Any]) -> Lines:
    """What `stampshift adapt` gained and lost; no line for a run of the workflow."""
    return [Change.from_dict(content).line() for content in metrics.get("changes", [])]


def outlying_lines(release: ReleasedModel, tested: pd.DataFrame) -> Lines:
    """Share of each survey's test stamps that are flagged, and their similarity."""
    lines = []
    for survey, limits in release.contract.out_of_distribution["thresholds"].items():
        rows = tested[tested["survey"] == survey]
        middle = rows["similarity"].quantile([0.01, 0.5])
        lines.append(
            {
                "survey": survey,
                "limit of the distance": f"{limits['distance']:.3g}",
                "reference stamps": limits["stamps"],
                "share expected beyond": f"{limits['expected']:.4f}",
                "share flagged, test": _share(release.outlying(rows["distance"].to_numpy(), survey=survey)),
                "similarity, median": f"{middle[0.5]:.4f}" if len(rows) else NO_STAMP,
                "similarity, lowest 1%": f"{middle[0.01]:.4f}" if len(rows) else NO_STAMP,
            }
        )
    return lines


def fault_lines(release: ReleasedModel, survey: ReleasedSurvey, rows: Rows) -> Lines:
    """Share of some stamps flagged as they are, and made wrong on purpose; no label is read."""
    stamps = survey.stamps.stamps[rows]
    generator = np.random.default_rng(0)
    lines = []
    for name, fault in {"nothing": lambda as_they_are, _: as_they_are, **FAULTS}.items():
        scores = release.score(fault(stamps, generator))
        flagged = release.outlying(scores.distance, survey=survey.name).mean()
        called = (scores.score > THRESHOLD).mean()
        shares = {"share flagged": f"{flagged:.2f}", "share called real": f"{called:.2f}"}
        lines.append({"made wrong on purpose": name} | shares)
    return lines


def digest_lines(
    contract: Contract, surveys: Sequence[ReleasedSurvey], metrics: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    """SHA-256 of the folder's files and of the data; the first digits of that of the training's code."""
    digests = {f"`{name}`": digest for name, digest in contract.digests.items()}
    for each in surveys:
        said = each.stamps.attributes
        if "raw" in said:
            digests[f"{each.name}, raw archive"] = said["raw"]["sha256"]
        digests[f"{each.name}, stamps"] = said["digest"]
        if "labels" in said:
            digests[f"{each.name}, {said['labels']['name']}"] = said["labels"]["sha256"]
    digests["training code (first digits)"] = metrics["code_digest"]
    return ({"SHA-256 of": name, "digest": f"`{digest}`"} for name, digest in digests.items())


def _share(which: Any) -> str:
    """Cell for the share of stamps of which something is true."""
    return _cell(rate(int(which.sum()), len(which))) if len(which) else NO_STAMP


def _cell(found: Rate | Any) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
