"""What `stampshift plan` estimates for the demo, beside what a finished run of it took.

The estimate is made here and now, without looking at the finished run's epochs. What was taken comes from
the project's folder in which the demo has run: wall-clock from Snakemake's records of its jobs, first start
to last end; processor seconds, which other programs on the machine change less, from the benchmark files of
the rules that have one. Run: python benchmarks/plan.py --finished .
"""

import argparse
import base64
import json
from collections import defaultdict
from pathlib import Path

import pandas as pd

from stampshift.planning.calibrate import calibrate
from stampshift.planning.estimate import job_seconds, work
from stampshift.planning.report import make_plan
from stampshift.planning.sizes import survey_sizes
from stampshift.planning.workflow import read_workflow

PROFILE = Path("workflow/profiles/demo")
RESULTS = "results/demo/"
FOLDERS = {"baseline": "baseline", "lambda": "select_lambda", "stamps": "stamps"}  # others: methods


def estimated(cores):
    """The plan without finished runs, and processor seconds by rule."""
    workflow = read_workflow(
        configfiles=[], workflow_profile=PROFILE, cores=cores, targets=[], everything=True
    )
    stamps, unknown = survey_sizes(workflow)
    calibration = calibrate(workflow, stamps=stamps, dag_seconds=0.0, say=print)
    plan = make_plan(workflow, calibration, stamps=stamps, unknown=unknown, finished={})
    by_rule = defaultdict(list)
    for job, trainings in zip(workflow.jobs, work(workflow, stamps), strict=True):
        by_rule[job.rule].append(
            job_seconds(
                job,
                trainings,
                calibration,
                workflow=workflow,
                stamps=stamps,
                epochs=plan.epochs,
                scenario="expected",
            )
        )
    return plan, by_rule


def taken_wall(project):
    """Seconds from the first start of a job to the last end."""
    records = []
    for path in (project / ".snakemake" / "metadata").iterdir():
        if path.is_file() and base64.b64decode(path.name).decode().startswith(RESULTS):
            records.append(json.loads(path.read_text()))
    return max(record["endtime"] for record in records) - min(record["starttime"] for record in records)


def taken_processor(project):
    """Processor seconds by rule, from the benchmark files."""
    by_rule = defaultdict(list)
    folder = project / RESULTS / "benchmarks"
    for path in folder.rglob("*.tsv"):
        rule = FOLDERS.get(path.relative_to(folder).parts[0], "adapt")
        by_rule[rule].append(float(pd.read_csv(path, sep="\t")["cpu_time"].iloc[0]))
    return by_rule


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--finished", type=Path, default=Path(), help="project's folder with results/demo")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    plan, by_rule = estimated(arguments.cores)
    wall, taken = taken_wall(arguments.finished), taken_processor(arguments.finished)
    low, expected, high = (plan.hours[name].wall for name in ("low", "expected", "high"))
    print(
        f"calibrated in {plan.calibration.seconds:.0f} s; "
        f"free share of a core {plan.calibration.free_share:.2f}"
    )
    print(f"wall-clock on {arguments.cores} free cores: {expected:.0f} s ({low:.0f} to {high:.0f})")
    print(f"wall-clock of the finished run: {wall:.0f} s")
    print("| rule | jobs | estimated processor s | taken | taken / estimated |")
    print("|---|---|---|---|---|")
    for rule, seconds in taken.items():
        guess = sum(by_rule[rule])
        print(f"| {rule} | {len(seconds)} | {guess:.0f} | {sum(seconds):.0f} | {sum(seconds) / guess:.2f} |")


if __name__ == "__main__":
    main()
