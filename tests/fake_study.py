"""Files of a DES study that nobody trained: predictions, labels, candidates and votes of known properties."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from stampshift.core.files import write_json
from stampshift.stamps.splits import Splits
from stampshift.stamps.writer import stamps_writer

STAMPS = 400
MODELS = ("network_1", "network_2", "forest")
SHARPNESS = {"network_1": 3.0, "network_2": 2.5, "forest": 2.0, "before": 1.0, "after": 3.0}


def judged(
    model: str, labels: np.ndarray, *, truth: np.ndarray, rows: np.ndarray, survey: str
) -> pd.DataFrame:
    """Predictions by a model that sees the truth through its own noise."""
    generator = np.random.default_rng(len(model) + int(SHARPNESS[model] * 10))
    noise = generator.normal(size=len(truth))
    scores = expit(2 * (SHARPNESS[model] * (2.0 * truth - 1) / 2 + noise)).astype("float32")
    table = pd.DataFrame({"survey": survey, "row": rows, "label": labels[rows], "score": scores[rows]})
    return table.iloc[5:] if model == "forest" else table


def write_study(folder: Path, *, survey: str, new_survey: str) -> None:
    """Write what the rules of results take, one stamp in twenty with a flipped label."""
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, STAMPS).astype("uint8")
    flipped = generator.random(STAMPS) < 0.05
    old = np.where(flipped, 1 - truth, truth).astype("uint8")
    test = np.arange(0, STAMPS, 2)
    for name in ("splits", "search", "new-survey/before", "new-survey/after"):
        (folder / name).mkdir(parents=True)
    _splits(survey, test).save(folder / "splits/first.npz")
    _splits(survey, test).save(folder / "splits/second.npz")
    _splits(new_survey, test).save(folder / "new-survey/splits.npz")
    for part, labels in (("first", old), ("second/old", old), ("second/new", truth)):
        for model in MODELS:
            path = folder / part / model
            path.mkdir(parents=True)
            table = judged(model, labels, truth=truth, rows=np.arange(STAMPS), survey=survey)
            table.to_parquet(path / "predictions.parquet")
            history().to_parquet(path / "history.parquet")
            write_json(path / "metrics.json", metrics(model, survey=survey))
    rows = np.arange(STAMPS)
    corrected = np.where(rows < STAMPS // 2, truth, old)  # half of the flips are found
    table = pd.DataFrame({"row": rows, "id": rows, "old_label": old, "label": corrected, "true_label": truth})
    table = table.assign(reviewed=(flipped & (rows < STAMPS // 2)).astype("uint8"))
    table["cause"] = np.where(truth == 1, "host", "dipole")
    table.to_parquet(folder / "labels.parquet")
    candidates = np.append(np.flatnonzero(flipped)[:10], np.flatnonzero(~flipped)[:5])
    found = pd.DataFrame({"row": candidates, "label": old[candidates]})
    found = found.assign(score=0.95 - 0.9 * found["label"], agreeing=2)
    found.to_parquet(folder / "search/candidates.parquet")
    images = generator.normal(size=(STAMPS, 3, 5, 5)).astype(np.float32)
    ids = [str(row) for row in rows]
    with stamps_writer(folder / "stamps.h5", survey=survey, size_pixels=5) as writer:
        classes = ["real" if label else "artifact" for label in old]
        writer.append(images, labels=old, classes=classes, ids=ids, groups=[""] * STAMPS)
    snr = generator.uniform(5, 50, STAMPS)
    pd.DataFrame({"id": ids, "SNR": snr}).to_parquet(folder / "features.parquet")
    for model in ("before", "after"):
        path = folder / "new-survey" / model
        table = judged(model, truth, truth=truth, rows=rows, survey=new_survey)
        table.to_parquet(path / "predictions.parquet")
        history().to_parquet(path / "history.parquet")
    parts = np.where(rows % 2, "validation", "test")
    scored = judged("after", truth, truth=truth, rows=rows, survey=new_survey)[["row", "score"]]
    scored = scored.assign(id=rows.astype(str), label=pd.array(truth, "Int8"), part=parts, cutoff=0.3)
    scored.to_parquet(folder / "new-survey/scores.parquet")
    votes = pd.DataFrame({"row": rows, "label": truth, "unanimous": generator.random(STAMPS) < 0.7})
    votes.to_parquet(folder / "new-survey/labels.parquet")
    write_json(folder / "new-survey/agreement.json", {"judged": STAMPS})


def metrics(model: str, *, survey: str) -> dict[str, object]:
    """What the table of the networks reads, and what every run has."""
    factors = {"method": "baseline", "source": survey, "target": None, "shots": 0, "seed": 0}
    costs = {"network": model, "trainable_parameters": 265_165, "epochs": 3, "seconds": 6.0}
    return factors | costs | {"device": "cpu", "precision": "float32"}


def history() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "train_loss": [0.5, 0.3, 0.2],
            "train_accuracy": [0.7, 0.9, 0.95],
            "validation_loss": [0.6, 0.4, 0.5],
            "validation_accuracy": [0.7, 0.9, 0.9],
            "validation_balanced_accuracy": [0.7, 0.9, 0.9],
            "kept": [False, True, False],
        }
    )


def _splits(survey: str, test: np.ndarray) -> Splits:
    none = np.array([], dtype=np.int64)
    return Splits(
        survey=survey,
        train_real=none,
        train_bogus=none,
        validation_real=none,
        validation_bogus=none,
        test=test,
    )
