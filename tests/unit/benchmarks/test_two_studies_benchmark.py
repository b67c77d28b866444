"""Two studies side by side: differences by hand, and the verdicts that differ."""

import runpy
import sys
from pathlib import Path

import pandas as pd

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "two_studies.py"


def study(folder, *, added, verdict):
    """Tables of a study of one pair and two splits: on the target the fine-tuned model gains `added`."""
    runs = [
        {"method": method, "source": "A", "target": target, "shots": shots, "seed": seed}
        | {"evaluated_on": survey, "balanced_accuracy": 0.7 + (0 if method == "baseline" else added[seed])}
        for seed in (0, 1)
        for method, target, shots in (("baseline", None, 0), ("finetune", "B", 5))
        for survey in "AB"
    ]
    (folder / "tables").mkdir(parents=True)
    pd.DataFrame(runs).to_csv(folder / "tables" / "runs.csv", index=False)
    claims = {
        "claim": ["It gains.", "It loses."],
        "verdict": [verdict, "holds"],
        "evidence": ["Seen.", "Lost."],
    }
    pd.DataFrame(claims).to_csv(folder / "tables" / "claims.csv", index=False)


def test_differences_by_method_and_the_verdicts_that_moved(tmp_path, monkeypatch, capsys):
    study(tmp_path / "one", added=[0.0, 0.1], verdict="holds")
    study(tmp_path / "two", added=[0.1, 0.1], verdict="not shown")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path / "one"), str(tmp_path / "two")])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if "|" in line]
    rows = {(row[0], row[1]): row[2:] for row in cells[2:]}
    # +0.1 and 0: mean 0.05, sample standard deviation 0.1 / sqrt(2)
    assert rows["finetune", "target"] == ["5", "2", "+0.050", "0.071", "0.100", "50%", "1 (1)"]
    assert rows["baseline", "source"][2:4] == ["+0.000", "0.000"]
    assert (
        "1 of 2 verdicts differ:\n- It gains.\n  first: holds. Seen.\n  second: not shown. Seen." in printed
    )
