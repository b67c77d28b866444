"""Balanced accuracy of a night's scores, from the truth: `compare.py SCORES LABELS`."""

import sys

import pandas as pd

from stampshift.metrics.metrics import evaluate

scores = pd.read_parquet(sys.argv[1], columns=["id", "score"])
truth = pd.read_csv(sys.argv[2], dtype=str)
night = scores.merge(truth, on="id")
result = evaluate((night["label"] == "real").astype(int), night["score"])
print(
    f"{len(night)} alerts, balanced accuracy {result['balanced_accuracy']:.3f} "
    f"(reals {result['recall_real']:.3f}, bogus {result['recall_bogus']:.3f})"
)
