"""A small experiment with numbers that can be checked by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

# (method, source, target, shots, evaluated_on): balanced accuracies of splits 0, 1, 2
BALANCED_ACCURACIES = {
    ("baseline", "A", "A", 0, "A"): (0.96, 0.97, 0.98),
    ("baseline", "A", "B", 0, "B"): (0.60, 0.70, 0.80),
    ("baseline", "B", "B", 0, "B"): (0.90, 0.90, 0.90),
    ("baseline", "B", "A", 0, "A"): (0.55, 0.50, 0.45),
    ("finetune", "A", "B", 1, "A"): (0.90, 0.91, 0.92),
    ("finetune", "A", "B", 1, "B"): (0.70, 0.75, 0.80),
    ("finetune", "A", "B", 10, "A"): (0.85, 0.87, 0.89),
    ("finetune", "A", "B", 10, "B"): (0.80, 0.85, 0.90),
    ("mme", "A", "B", 1, "A"): (0.96, 0.96, 0.96),
    ("mme", "A", "B", 1, "B"): (0.72, 0.75, 0.78),
    ("mme", "A", "B", 10, "A"): (0.97, 0.97, 0.97),
    ("mme", "A", "B", 10, "B"): (0.79, 0.80, 0.81),
}


@pytest.fixture
def runs() -> pd.DataFrame:
    """The long table of two surveys, one pair, two methods, two numbers of shots and three splits."""
    rows = [
        {
            "method": method,
            "source": source,
            "target": target,
            "shots": shots,
            "seed": seed,
            "evaluated_on": evaluated_on,
            "balanced_accuracy": value,
            "recall_real": value,
            "recall_bogus": value,
            "n_real": 50,
            "n_bogus": 60,
            "kept_epoch": 4,
            "epochs": 9,
            "entropy_weight": 0.2 if method == "mme" else np.nan,
            "seconds": 1.5,
        }
        for (method, source, target, shots, evaluated_on), values in BALANCED_ACCURACIES.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def with_no_labels(runs) -> pd.DataFrame:
    """Beside them MME with 0 shots: 0.05 less than with one."""
    one = runs[(runs["method"] == "mme") & (runs["shots"] == 1)]
    none = one.assign(shots=0, balanced_accuracy=one["balanced_accuracy"] - 0.05)
    return pd.concat([runs, none], ignore_index=True)


@pytest.fixture
def metrics_content() -> Callable[..., dict[str, Any]]:
    """Content of a metrics file, with some entries replaced."""

    def content(*, on: dict[str, float], **replaced: Any) -> dict[str, Any]:
        evaluation = {
            survey: {
                "balanced_accuracy": value,
                "recall_real": value,
                "recall_bogus": value,
                "n_real": 50,
                "n_bogus": 60,
                "confusion": {"tp": 1, "fn": 2, "fp": 3, "tn": 4},
            }
            for survey, value in on.items()
        }
        run = {"method": "mme", "source": "A", "target": "B", "shots": 5, "seed": 3}
        training = {"entropy_weight": 0.2, "kept_epoch": 4, "epochs": 9, "seconds": 1.5, "device": "cpu"}
        return {**run, **training, "evaluation": evaluation, **replaced}

    return content
