"""Numbers of a source of two surveys beside each of them and on a third one, that can be checked by hand."""

import pandas as pd

SOURCES = {"both": ["A", "B"]}
METHODS = ["finetune", "mme"]
# (method, source, target, shots, evaluated_on): balanced accuracies of splits 0 to 3
ACCURACIES = {
    ("baseline", "A", "A", 0, "A"): (0.96, 0.97, 0.98, 0.97),
    ("baseline", "B", "B", 0, "B"): (0.90, 0.91, 0.92, 0.91),
    ("baseline", "both", "A", 0, "A"): (0.94, 0.951, 0.96, 0.95),
    ("baseline", "both", "B", 0, "B"): (0.92, 0.93, 0.941, 0.93),
    ("baseline", "both", "both", 0, "both"): (0.93, 0.94, 0.95, 0.94),
    ("baseline", "A", "C", 0, "C"): (0.60, 0.61, 0.62, 0.63),
    ("baseline", "B", "C", 0, "C"): (0.70, 0.71, 0.72, 0.69),
    ("baseline", "both", "C", 0, "C"): (0.80, 0.812, 0.82, 0.79),
    ("finetune", "A", "C", 5, "C"): (0.75, 0.76, 0.77, 0.76),
    ("finetune", "B", "C", 5, "C"): (0.72, 0.73, 0.74, 0.73),
    ("finetune", "both", "C", 5, "C"): (0.74, 0.751, 0.76, 0.75),
    ("finetune", "both", "C", 5, "A"): (0.84, 0.85, 0.861, 0.85),
    ("finetune", "both", "C", 5, "B"): (0.82, 0.83, 0.84, 0.831),
    ("finetune", "both", "C", 5, "both"): (0.83, 0.84, 0.85, 0.84),
    ("mme", "both", "C", 5, "C"): (0.85, 0.86, 0.87, 0.86),
    ("mme", "both", "C", 5, "A"): (0.93, 0.942, 0.95, 0.94),
    ("mme", "both", "C", 5, "B"): (0.912, 0.92, 0.93, 0.921),
    ("mme", "both", "C", 5, "both"): (0.921, 0.931, 0.94, 0.93),
    # the target is one of the source's surveys: only the other one can be kept
    ("finetune", "both", "B", 5, "A"): (0.91, 0.921, 0.93, 0.92),
    ("finetune", "both", "B", 5, "both"): (0.92, 0.93, 0.94, 0.93),
    ("finetune", "both", "B", 5, "B"): (0.93, 0.94, 0.95, 0.94),
}


def runs_of(accuracies, splits=4):
    return pd.DataFrame(
        [
            dict(zip(("method", "source", "target", "shots", "evaluated_on"), key, strict=True))
            | {"seed": seed, "balanced_accuracy": value}
            for key, values in accuracies.items()
            for seed, value in enumerate(values[:splits])
        ]
    )
