"""Two finished studies of the same surveys, pairs and splits, run by run.

    python benchmarks/two_studies.py results/simulated results/simulated-bfloat16

Differences of balanced accuracy on test parts, the second study less the first: their mean for each number of
shots, the standard deviation of a run's, the largest, and the p-value of Wilcoxon's signed-rank test over the
pairs (of a baseline on its own survey, over the surveys). Then the claims whose verdict differs.
"""

import argparse
from pathlib import Path

import pandas as pd

from stampshift.tables.verdicts import signed_rank_p

RUN = ["method", "source", "target", "shots", "seed", "evaluated_on"]


def paired(first, second):
    """A line per evaluation that both studies have, with its ``difference`` and ``role``."""
    tables = [pd.read_csv(folder / "tables" / "runs.csv") for folder in (first, second)]
    both = tables[0].merge(tables[1], on=RUN, suffixes=("", "_second"), validate="one_to_one")
    both["difference"] = both["balanced_accuracy_second"] - both["balanced_accuracy"]
    on_source = both["evaluated_on"] == both["source"]
    role = on_source.map({True: "source", False: "target"})
    return both.assign(
        role=role, target=both["target"].fillna(both["evaluated_on"])
    )  # a baseline has no target


def compared(both):
    """A line per method and role."""
    for (method, role), runs in both.groupby(["method", "role"], sort=False):
        by_shots = runs.groupby("shots")["difference"]
        means = runs.groupby(["source", "target"])["difference"].mean()
        yield {
            "method": method,
            "on": role,
            "shots": ", ".join(map(str, by_shots.groups)),
            "runs": ", ".join(map(str, by_shots.size())),
            "mean": ", ".join(f"{mean:+.3f}" for mean in by_shots.mean()),
            "standard deviation of a run": ", ".join(f"{spread:.3f}" for spread in by_shots.std()),
            "largest": f"{runs['difference'].abs().max():.3f}",
            "equal": f"{(runs['difference'] == 0).mean():.0%}",
            "p": f"{signed_rank_p(means):.2g} ({len(means)})",
        }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    folders = vars(parser.parse_args()).values()
    print(pd.DataFrame(compared(paired(*folders))).to_markdown(index=False, disable_numparse=True))
    claims = [pd.read_csv(folder / "tables" / "claims.csv") for folder in folders]
    moved = (
        claims[0].merge(claims[1], on="claim", suffixes=("", "_second")).query("verdict != verdict_second")
    )
    print(f"\n{len(moved)} of {len(claims[0])} verdicts differ:")
    for line in moved.itertuples():
        print(f"- {line.claim}\n  first: {line.verdict}. {line.evidence}")
        print(f"  second: {line.verdict_second}. {line.evidence_second}")


if __name__ == "__main__":
    main()
