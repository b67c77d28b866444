"""The plan of an experiment: sums over its jobs, as JSON and as a table for the terminal."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from stampshift.planning.calibrate import Calibration, Rates, calibrate
from stampshift.planning.costs import DISK, SCENARIOS, CostModel, read_benchmarks
from stampshift.planning.dry_run import PlannedWorkflow
from stampshift.planning.planned_trainings import Finished, expected_epochs, read_finished, trainings_by_job
from stampshift.tables.wording import counted

BUSY = 0.8  # of a core: below it, other programs matter
SHOWN = 0.02  # of the core time: rules of less are not printed
Plan = dict[str, Any]  # as printed with ``--json``: see `make_plan`


def plan_workflow(workflow: PlannedWorkflow) -> Plan:
    """Calibrate this machine for about a minute, and plan a workflow on it."""
    recipes = {part.recipe.name: part.recipe for own in trainings_by_job(workflow) for part in own}
    calibration = calibrate(workflow, list(recipes.values()))
    finished, taken = read_finished(workflow.results), read_benchmarks(workflow.results / "benchmarks")
    return make_plan(workflow, calibration, finished, taken)


def make_plan(workflow: PlannedWorkflow, calibration: Calibration, finished: Finished, taken: Rates) -> Plan:
    """Plan of a workflow on the machine that was calibrated, from what finished runs and jobs took."""
    trainings = trainings_by_job(workflow)
    parts = [part for own in trainings for part in own]
    epochs = {part.recipe.name: expected_epochs(part.recipe, finished) for part in parts}
    costs = CostModel(workflow, calibration, epochs, taken).table(trainings)
    core = (costs["expected"] * costs["cores"]).groupby(costs["rule"]).sum().sort_values(ascending=False)
    return {
        "jobs": costs["rule"].value_counts().to_dict(),
        "trainings": Counter(part.recipe.name for part in parts if not part.reused),
        "reused": sum(part.reused for part in parts),  # runs that the lambda search has trained
        "seconds": {name: total_seconds(workflow, costs, name) for name in SCENARIOS},
        "core_seconds": core.to_dict(),  # expected, by rule
        "epochs": epochs,  # of one training, by recipe and scenario, and the finished runs that say so
        "disk_bytes": costs[list(DISK)].sum().to_dict(),  # to be written
        "memory_megabytes": costs.groupby("rule")["megabytes"].max().to_dict(),  # 0 where unknown
        "cores": workflow.cores,
        "absent": dict(workflow.absent),
        "unknown": [name for name, number in workflow.stamps.items() if number is None],
        "calibration": asdict(calibration),
    }


def total_seconds(workflow: PlannedWorkflow, costs: pd.DataFrame, scenario: str) -> dict[str, float]:
    """Seconds of all cores, all GPUs and the clock, in one scenario of early stopping.

    The clock's are a bound: no workflow ends before its longest chain of jobs that wait for each other, nor
    before its cores and GPUs, never idle, have done everything.
    """
    ends: dict[str, float] = {}
    for job, seconds in zip(workflow.jobs, costs[scenario], strict=True):
        end = seconds + max((ends.get(path, 0.0) for path in job.inputs), default=0.0)
        ends |= dict.fromkeys(job.outputs, end)
    core, gpu = (float((costs[scenario] * costs[held]).sum()) for held in ("cores", "gpus"))
    wall = max(core / workflow.cores, gpu / (workflow.gpus or math.inf), *ends.values())
    return {"wall": wall, "gpu": gpu, "core": core}


def as_text(plan: Plan) -> str:
    """A plan for people: a table, and what it rests on."""
    if not plan["jobs"]:
        return "Nothing to do: all results exist. `--all` shows what they took."
    reused = f"and {plan['reused']} reused from the lambda search" if plan["reused"] else ""
    jobs, trainings = (str(sum(plan[each].values())) for each in ("jobs", "trainings"))
    rows = [("jobs", jobs, ""), ("trainings", trainings, reused)]
    rows += [(f"  {name}", str(count), _epochs(plan, name)) for name, count in plan["trainings"].items()]
    names = {
        "wall": f"wall-clock on {counted(plan['cores'], 'core')}",
        "gpu": "GPU time",
        "core": "core time",
    }
    for key, name in names.items():
        low, expected, high = (duration(plan["seconds"][scenario][key]) for scenario in SCENARIOS)
        if key != "gpu" or plan["calibration"]["gpu"]:
            rows.append((name, expected, f"{low} to {high}" if low != high else ""))
    for rule, seconds in plan["core_seconds"].items():
        if seconds > SHOWN * plan["seconds"]["expected"]["core"]:
            rows.append((f"  {rule}", duration(seconds), counted(plan["jobs"][rule], "job")))
    rows += [(f"disk for {name}", f"{size / 1e9:.2f} GB", "") for name, size in plan["disk_bytes"].items()]
    rule, peak = max(plan["memory_megabytes"].items(), key=lambda item: item[1])
    rows += [("memory of largest job", f"{peak / 1e3:.2f} GB", rule)] if peak else []
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"{name:<{widths[0]}}  {value:>{widths[1]}}  {note}".rstrip() for name, value, note in rows]
    return "\n".join([*table, "", *(f"- {note}" for note in _notes(plan))])


def _epochs(plan: Plan, name: str) -> str:
    low, expected, high, finished = plan["epochs"][name].values()
    source = f"as in {counted(finished, 'finished run')}" if finished else "assumed"
    more = f" ({low:.0f} to {high:.0f}), {source}" if low < high else ""
    return f"{expected:.0f} epochs each{more}"


def _notes(plan: Plan) -> Iterator[str]:
    here, expected = plan["calibration"], plan["seconds"]["expected"]["wall"]
    yield f"times are for free cores, by a calibration of {here['seconds']:.0f} s"
    if here["gpu"]:
        yield f"trainings run on {here['gpu']}"
    if here["free_share"] < BUSY:
        share, busy = f"{here['free_share']:.0%}", duration(expected / here["free_share"])
        yield f"other programs leave a process {share} of a core now; at this load the wall-clock is {busy}"
    if "download" in plan["jobs"]:
        yield f"not counted: the time of {counted(plan['jobs']['download'], 'download')}"
    yield from (f"{name}: put the raw archive at {path} first" for name, path in plan["absent"].items())
    yield from (f"{name}: number of stamps unknown, counted as none" for name in plan["unknown"])


def duration(seconds: float) -> str:
    """Seconds as people say them: ``"40 s"``, ``"5.3 min"``, ``"2.1 h"``, ``"12.0 days"``."""
    for size, unit, limit in ((1, "s", 90), (60, "min", 5400), (3600, "h", 48 * 3600)):
        if seconds < limit:
            return f"{seconds / size:.{0 if unit == 's' else 1}f} {unit}"
    return f"{seconds / 86400:.1f} days"
