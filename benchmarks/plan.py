"""What `stampshift plan` estimates for the demo, and what a finished run of it took.

The estimate is made now, in a checkout in which the demo has not run, so that it knows no finished run or
job. The times taken come from another folder, in which the demo has run: wall-clock from Snakemake's
records of its jobs, first start to last end; processor seconds, which depend less on other programs, from
the benchmark files. Run: python benchmarks/plan.py --finished ../finished
"""

import argparse
import base64
import json
from pathlib import Path

import pandas as pd

from stampshift.planning.dry_run import read_workflow
from stampshift.planning.experiment_plan import plan_workflow

PROFILE = Path("workflow/profiles/demo")
RESULTS = "results/demo/"


def taken_wall(project):
    """Seconds from the first start of a job to the last end."""
    records = []
    for path in (project / ".snakemake" / "metadata").iterdir():
        if path.is_file() and base64.b64decode(path.name).decode().startswith(RESULTS):
            records.append(json.loads(path.read_text()))
    return max(record["endtime"] for record in records) - min(record["starttime"] for record in records)


def taken_processor(project):
    """Processor seconds and number of jobs, by rule, from the benchmark files."""
    folder = project / RESULTS / "benchmarks"
    tables = [
        pd.read_csv(path, sep="\t").assign(rule=path.relative_to(folder).parts[0].removesuffix(".tsv"))
        for path in folder.rglob("*.tsv")
    ]
    return pd.concat(tables).groupby("rule")["cpu_time"].agg(["sum", "size"])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--finished", type=Path, required=True, help="project's folder with results/demo")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    plan = plan_workflow(
        read_workflow(
            configfiles=[], workflow_profile=PROFILE, cores=arguments.cores, targets=[], everything=True
        )
    )
    low, expected, high = (plan["seconds"][name]["wall"] for name in ("low", "expected", "high"))
    calibration = plan["calibration"]
    print(
        f"calibrated in {calibration['seconds']:.0f} s; free share of a core {calibration['free_share']:.2f}"
    )
    print(f"wall-clock on {arguments.cores} free cores: {expected:.0f} s ({low:.0f} to {high:.0f})")
    print(f"wall-clock of the finished run: {taken_wall(arguments.finished):.0f} s")
    print("| rule | jobs | estimated processor s | taken | taken / estimated |")
    print("|---|---|---|---|---|")
    for rule, (taken, jobs) in taken_processor(arguments.finished).iterrows():
        guess = plan["core_seconds"].get(rule, float("nan"))
        print(f"| {rule} | {jobs:.0f} | {guess:.0f} | {taken:.0f} | {taken / guess:.2f} |")


if __name__ == "__main__":
    main()
