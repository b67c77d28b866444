"""Tables of a model card: a list of lines, each a cell of text by heading."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from stampshift.adapting.gain import Change
from stampshift.adapting.report import change_line
from stampshift.core.errors import ContractError
from stampshift.metrics.calibration import calibration_quantities
from stampshift.metrics.intervals import Bootstrap, balanced_accuracy, interval
from stampshift.metrics.metrics import THRESHOLD, confusion
from stampshift.release.faulty import FAULTS
from stampshift.release.reference import ReleasedSurvey
from stampshift.release.released import Release
from stampshift.release.threshold import CONFIDENCE, Rate, choose, rate
from stampshift.stamps.file import BOGUS, LABEL_NAMES, LABELS, REAL
from stampshift.stamps.splits import Rows

Lines = list[dict[str, str]]
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
        labels = each.stamps.labels
        shots = len(each.train) if each.role == "source" else sum(shots_by_label(metrics).values())
        lines.append(
            {
                "survey": each.name,
                "role": each.role,
                "stamps": str(len(each.stamps)),
                "real": str((labels == REAL).sum()),
                "bogus": str((labels == BOGUS).sum()),
                "train, labelled": str(shots),
                "train, unlabelled": str(len(each.train) - shots),
                "validation, labelled": str(len(each.validation)),
                "reference, unlabelled": str(len(each.unlabelled)),
                "test": str((predictions["survey"] == each.name).sum()),
            }
        )
    return lines


def shots_by_label(metrics: Mapping[str, Any]) -> dict[str, int]:
    """Labelled target stamps by label: as many of each in the study, any numbers outside of it."""
    shots = metrics["shots"]
    return dict(shots) if isinstance(shots, Mapping) else dict.fromkeys(LABELS, shots)


def performance_lines(tested: pd.DataFrame) -> Lines:
    """Balanced accuracy, MDR, FPR at a score of one half, and AUC, by survey."""
    lines = []
    for survey, rows in tested.groupby("survey", sort=False):
        counts = confusion(rows["label"], rows["raw"], threshold=THRESHOLD)
        found = interval(rows["label"], rows["raw"], statistic=balanced_accuracy, bootstrap=BOOTSTRAP)
        lines.append(
            {
                "survey": str(survey),
                "real": str(counts["tp"] + counts["fn"]),
                "bogus": str(counts["fp"] + counts["tn"]),
                "balanced accuracy": f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})",
                "MDR": _cell(_rate(counts["fn"], counts["tp"])),
                "FPR": _cell(_rate(counts["fp"], counts["tn"])),
                "AUC": f"{roc_auc_score(rows['label'], rows['raw']):.4f}",
            }
        )
    return lines


def class_lines(tested: pd.DataFrame) -> Lines:
    """Recall of the survey's own classes, the reals first."""
    right = (tested["raw"] > THRESHOLD) == (tested["label"] == REAL)
    groups = tested.assign(right=right, bogus=tested["label"] != REAL).groupby(
        ["survey", "bogus", "class"], sort=True
    )
    lines: dict[str, Lines] = {str(survey): [] for survey in tested["survey"].unique()}
    for (survey, bogus, name), rows in groups:
        found = rate(int(rows["right"].sum()), len(rows), confidence=CONFIDENCE)
        lines[str(survey)].append(
            {
                "survey": str(survey),
                "class": str(name),
                "label": LABEL_NAMES[BOGUS if bogus else REAL],
                "stamps": str(len(rows)),
                "recall": _cell(found),
            }
        )
    return [line for group in lines.values() for line in group]


def calibration_lines(tested: pd.DataFrame) -> Lines:
    """Calibration numbers of the test scores before and after the temperature, by survey."""
    lines = []
    for survey, rows in tested.groupby("survey", sort=False):
        for name, column in (("before", "raw"), ("after", "score")):
            found = calibration_quantities(rows["label"], rows[column], bins=BINS)
            lines.append(
                {"survey": str(survey), "temperature": name}
                | {quantity: f"{value:.4f}" for quantity, value in found.items()}
            )
    return lines


def operating_lines(release: Release, tested: pd.DataFrame) -> Lines:
    """Thresholds chosen on validation stamps, and what they do there and on test stamps."""
    home = release.contract.home
    rows = tested[tested["survey"] == home]
    lines = []
    for mdr in MDRS:
        try:
            point = choose(release, survey=home, max_mdr=mdr, max_fpr=None)
        except ContractError:  # validation stamps of one label, or none
            continue
        line = {
            "MDR asked for": f"{mdr:g}",
            "threshold": f"{point.threshold:.6g}",
            "MDR, validation": _cell(point.mdr),
            "FPR, validation": _cell(point.fpr),
        }
        for name, label, wrong in (("MDR", REAL, np.less), ("FPR", BOGUS, np.greater_equal)):
            scores = rows.loc[rows["label"] == label, "score"].to_numpy(np.float64)
            missed = int(wrong(scores, point.threshold).sum())
            line[f"{name}, test"] = _cell(_rate(missed, len(scores) - missed)) if len(scores) else NO_STAMP
        lines.append(line | {"promised": "no" if point.caveats else "yes"})
    return lines


def change_lines(metrics: Mapping[str, Any]) -> Lines:
    """What `stampshift adapt` gained and lost; no line for a run of the workflow."""
    return [change_line(Change.from_dict(content)) for content in metrics.get("changes", [])]


def outlying_lines(release: Release, tested: pd.DataFrame) -> Lines:
    """Share of each survey's test stamps that are flagged, and their similarity."""
    lines = []
    for survey, limits in release.contract.out_of_distribution["thresholds"].items():
        rows = tested[tested["survey"] == survey]
        flagged = int(release.outlying(rows["distance"].to_numpy(), survey=survey).sum())
        middle = rows["similarity"].quantile([0.01, 0.5])
        lines.append(
            {
                "survey": survey,
                "limit of the distance": f"{limits['distance']:.3g}",
                "reference stamps": str(limits["stamps"]),
                "share expected beyond": f"{limits['expected']:.4f}",
                "share flagged, test": _cell(_rate(flagged, len(rows) - flagged)) if len(rows) else NO_STAMP,
                "similarity, median": f"{middle[0.5]:.4f}" if len(rows) else NO_STAMP,
                "similarity, lowest 1%": f"{middle[0.01]:.4f}" if len(rows) else NO_STAMP,
            }
        )
    return lines


def fault_lines(release: Release, survey: ReleasedSurvey, rows: Rows) -> Lines:
    """Share of some stamps flagged as they are, and made wrong on purpose; no label is read."""
    stamps = survey.stamps.stamps[rows]
    generator = np.random.default_rng(0)
    lines = []
    for name, fault in {"nothing": lambda as_they_are, _: as_they_are, **FAULTS}.items():
        scores = release.score(fault(stamps, generator))
        flagged = release.outlying(scores.distance, survey=survey.name).mean()
        lines.append(
            {
                "made wrong on purpose": name,
                "share flagged": f"{flagged:.2f}",
                "share called real": f"{(scores.score > THRESHOLD).mean():.2f}",
            }
        )
    return lines


def _rate(wrong: int, right: int) -> Rate:
    return rate(wrong, wrong + right, confidence=CONFIDENCE)


def _cell(found: Rate) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
