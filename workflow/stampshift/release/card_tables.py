"""Tables of a model card: a list of lines, each a cell by heading."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from stampshift.core.errors import ContractError
from stampshift.metrics.calibration import calibration_quantities
from stampshift.metrics.intervals import Bootstrap, balanced_accuracy, interval
from stampshift.metrics.metrics import THRESHOLD
from stampshift.release.faulty import FAULTS
from stampshift.release.reference import ReleasedSurvey
from stampshift.release.released import ReleasedModel, calibrated
from stampshift.release.run_files import SOURCES
from stampshift.release.threshold import CONFIDENCE, Rate, choose, rate
from stampshift.release.trained_run import TrainedRun
from stampshift.stamps.file import BOGUS, LABEL_NAMES, LABELS, REAL
from stampshift.stamps.splits import Rows

Lines = list[dict[str, Any]]
AGREEMENT = 0.01  # of a score on disk with the model's: another device or another torch moves the last digits
BINS = 15
BOOTSTRAP = Bootstrap(samples=1000, confidence=CONFIDENCE, seed=0)
MDRS = (0.01, 0.05)
NO_STAMP = "no stamp"


def tested_stamps(release: ReleasedModel, survey: ReleasedSurvey, predictions: pd.DataFrame) -> pd.DataFrame:
    """Test stamps of a survey: class, label, score of the run (``raw``), and the released model's columns.

    Raises
    ------
    ContractError
        If the two scores differ.
    """
    lines = predictions[predictions["survey"] == survey.name]
    rows = lines["row"].to_numpy()
    stamps = survey.tested or survey.stamps
    scores = release.score_stamps(stamps.stamps[rows])
    apart = np.abs(calibrated(scores.logit, 1) - lines["score"].to_numpy()).max(initial=0)
    if apart > AGREEMENT:
        raise ContractError(
            f"{survey.name}: predictions.parquet and model.pt give different scores for the test stamps, "
            f"{apart:.3g} apart; the two are not from the same run, or the stamps file has changed."
        )
    return pd.DataFrame(
        {
            "row": rows,
            "class": stamps.classes[rows],
            "label": lines["label"].to_numpy(),
            "raw": lines["score"].to_numpy(),
            "score": scores.score,
            "similarity": scores.similarity,
            "flagged": release.outlying(scores.distance, survey=survey.name),
        }
    )


def survey_table(release: ReleasedModel, run: TrainedRun, tested: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What is known of each survey's stamps and measured on its test stamps: a column per survey."""
    lines = []
    for each in run.surveys:
        limits = release.contract.out_of_distribution["thresholds"][each.name]
        labelled = each.role == "source" or each.name in run.metrics.get(SOURCES, ())
        shots = len(each.train) if labelled else sum(shots_by_label(run.metrics).values())
        line = {
            "role": each.role,
            "stamps": _by_label(each.stamps.labels) + f", {len(each.stamps)} in all",
            "train, labelled": shots,
            "train, unlabelled": len(each.train) - shots,
            "validation, labelled": len(each.validation),
            "reference, unlabelled": len(each.unlabelled),
            "flag: limit of the distance": f"{limits['distance']:.3g}",
            "flag: reference stamps": limits["stamps"],
            "flag: share expected beyond": f"{limits['expected']:.4f}",
        }
        lines.append(line | (measured_cells(tested[each.name]) if len(tested[each.name]) else {}))
    return pd.DataFrame(lines, index=[each.name for each in run.surveys]).T.fillna(NO_STAMP).astype(str)


def measured_cells(tested: pd.DataFrame) -> dict[str, str]:
    """What is measured on a survey's test stamps, by heading; a score above one half calls a stamp real."""
    label, raw = tested["label"], tested["raw"]
    real, called, similarity = label == REAL, raw > THRESHOLD, tested["similarity"]
    before, after = (calibration_quantities(label, tested[name], bins=BINS) for name in ("raw", "score"))
    return {
        "test": _by_label(label),
        "balanced accuracy": _cell(interval(label, raw, statistic=balanced_accuracy, bootstrap=BOOTSTRAP)),
        "MDR": _share(~called[real]),
        "FPR": _share(called[~real]),
        "AUC": f"{roc_auc_score(label, raw):.4f}",
        **{name: _before_and_after(before[name], after[name]) for name in before},
        "share flagged": _share(tested["flagged"]),
        "similarity, median": f"{similarity.quantile(0.5):.4f}",
        "similarity, lowest 1%": f"{similarity.quantile(0.01):.4f}",
    }


def shots_by_label(metrics: Mapping[str, Any]) -> dict[str, int]:
    """Labelled target stamps by label: one number for each in the study, two outside of it."""
    shots = metrics["shots"]
    return dict(shots) if isinstance(shots, Mapping) else dict.fromkeys(LABELS, shots)


def class_lines(tested: Mapping[str, pd.DataFrame]) -> Lines:
    """Recall of each survey's own classes, the reals first."""
    return [
        {
            "survey": survey,
            "class": name,
            "label": LABEL_NAMES[label],
            "stamps": len(rows),
            "recall": _share((rows["raw"] > THRESHOLD) == (label == REAL)),
        }
        for survey, stamps in tested.items()
        for label in (REAL, BOGUS)
        for name, rows in stamps[stamps["label"] == label].groupby("class")
    ]


def operating_lines(release: ReleasedModel, tested: pd.DataFrame) -> Lines:
    """Thresholds chosen on validation stamps of the homes, and what they do there and on test stamps."""
    real, score = tested["label"] == REAL, tested["score"].astype(float)
    lines = []
    for mdr in MDRS:
        try:
            point = choose(release, survey=None, max_mdr=mdr, max_fpr=None)
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


def fault_lines(release: ReleasedModel, survey: ReleasedSurvey, rows: Rows) -> Lines:
    """Share of some stamps flagged as they are, and made wrong on purpose; no label is read."""
    stamps, generator = survey.stamps.stamps[rows], np.random.default_rng(0)
    lines = []
    for name, fault in {"nothing": lambda as_they_are, _: as_they_are, **FAULTS}.items():
        scores = release.score_stamps(fault(stamps, generator))
        flagged = release.outlying(scores.distance, survey=survey.name)
        lines.append(
            {
                "made wrong on purpose": name,
                "share flagged": f"{flagged.mean():.2f}",
                "share called real": f"{(scores.score > THRESHOLD).mean():.2f}",
            }
        )
    return lines


def digest_lines(release: ReleasedModel, run: TrainedRun) -> Lines:
    """SHA-256 of the folder's files and of the data; the first digits of that of the training's code."""
    digests = {f"`{name}`": digest for name, digest in release.contract.digests.items()}
    for each in run.surveys:
        said = each.stamps.attributes
        if "raw" in said:
            digests[f"{each.name}, raw archive"] = said["raw"]["sha256"]
        digests[f"{each.name}, stamps"] = said["digest"]
        if "labels" in said:
            digests[f"{each.name}, {said['labels']['name']}"] = said["labels"]["sha256"]
    if "started_from" in run.metrics:
        digests["`model.pt` that it started from"] = run.metrics["started_from"]["sha256"]
    digests["training code (first digits)"] = run.metrics["code_digest"]
    return [{"SHA-256 of": name, "digest": f"`{digest}`"} for name, digest in digests.items()]


def _by_label(labels: Any) -> str:
    return f"{(labels == REAL).sum()} real, {(labels == BOGUS).sum()} bogus"


def _before_and_after(before: float, after: float) -> str:
    """Cell for a calibration number, the lower the better."""
    worse = " (worse)" if round(after, 4) > round(before, 4) else ""
    return f"{before:.4f}, {after:.4f}{worse}"


def _share(which: Any) -> str:
    """Cell for the share of stamps of which something is true."""
    return _cell(rate(int(which.sum()), len(which))) if len(which) else NO_STAMP


def _cell(found: Rate | Any) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
