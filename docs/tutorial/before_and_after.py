"""Before and after on a night whose truth is known: `before_and_after.py BEFORE AFTER LABELS ADAPTED`.

The last line is what `stampshift adapt` promised: the labelled stamps, each judged by a training without it.
"""

import sys
from pathlib import Path

import pandas as pd

from stampshift.core.files import read_json
from stampshift.metrics.metrics import evaluate

before, after, labels, adapted = map(Path, sys.argv[1:])
truth = pd.read_csv(labels, dtype=str)
lines = {}
for name, file in {"not adapted": before, "adapted": after}.items():
    night = pd.read_parquet(file, columns=["id", "score"]).merge(truth, on="id")
    lines[f"{name}, {len(night)} alerts"] = evaluate((night["label"] == "real").astype(int), night["score"])
promised = read_json(adapted / "metrics.json")["changes"][0]["after"]
lines[f"promised, {promised['n_real'] + promised['n_bogus']} labels"] = promised

columns = {"balanced_accuracy": "balanced accuracy", "recall_real": "of reals", "recall_bogus": "of bogus"}
table = pd.DataFrame(lines).T[list(columns)].astype(float).rename(columns=columns)
print(table.to_string(float_format="%.3f"))
for label in ("real", "bogus"):
    low, high = promised[f"recall_{label}_interval"]
    print(f"95% interval of what was promised for {label}: {low:.2f} to {high:.2f}")
