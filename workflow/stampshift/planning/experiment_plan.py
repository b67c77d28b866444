"""The plan of an experiment: sums over its jobs, as JSON and as a table for the terminal."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from stampshift.planning.calibrate import Calibration, Rates, calibrate
from stampshift.planning.costs import DISK, SCENARIOS, CostModel, archive_of, read_benchmarks
from stampshift.planning.dry_run import PlannedWorkflow
from stampshift.planning.planned_trainings import (
    Epochs,
    Finished,
    Training,
    expected_epochs,
    read_finished,
    trainings_by_job,
)

BUSY = 0.8  # of a core: below it, other programs matter
SHOWN = 0.01  # of the core time: rules of less are not printed
Plan = dict[str, Any]  # as printed with ``--json``: see `make_plan`


def plan_workflow(workflow: PlannedWorkflow) -> Plan:
    """Calibrate this machine for about a minute, and plan a workflow on it."""
    recipes = {part.recipe.name: part.recipe for own in trainings_by_job(workflow) for part in own}
    surveys = dict.fromkeys(archive_of(job, workflow) for job in workflow.jobs)
    calibration = calibrate(workflow, list(recipes.values()), filter(None, surveys))
    finished, taken = read_finished(workflow.results), read_benchmarks(workflow.results / "benchmarks")
    return make_plan(workflow, calibration, finished, taken)


def make_plan(workflow: PlannedWorkflow, calibration: Calibration, finished: Finished, taken: Rates) -> Plan:
    """Plan of a workflow on the machine that was calibrated, from what finished runs and jobs took."""
    trainings = trainings_by_job(workflow)
    parts = [part for own in trainings for part in own]
    kinds = dict.fromkeys(part.kind for part in parts)
    epochs = {part.recipe.name: expected_epochs(part.recipe, finished) for part in parts}
    costs = CostModel(workflow, calibration, epochs, taken).table(trainings)
    core = (costs["expected"] * costs["cores"]).groupby(costs["rule"]).sum().sort_values(ascending=False)
    return {
        "jobs": costs["rule"].value_counts().to_dict(),
        "core_seconds": core.to_dict(),  # expected, by rule
        "trainings": {kind: counted_trainings(parts, kind, epochs) for kind in kinds},
        "hours": {scenario: hours(workflow, calibration, costs, scenario) for scenario in SCENARIOS},
        "epochs": {recipe: asdict(each) for recipe, each in epochs.items()},  # of one training
        "disk_bytes": costs[list(DISK)].sum().to_dict(),  # to be written
        "memory_megabytes": costs.groupby("kind", sort=False)["megabytes"].max().to_dict(),
        "mapped_megabytes": float(costs["mapped_megabytes"].max()),  # of stamps files, shared
        "cores": workflow.cores,
        "gpus": workflow.gpus,
        "absent": dict(workflow.absent),
        "unknown": [name for name, number in workflow.stamps.items() if number is None],
        "finished_jobs": sum(int(each["jobs"]) for rule, each in taken.items() if rule in core.index),
        "calibration": asdict(calibration),
    }


def counted_trainings(parts: Sequence[Training], kind: str, epochs: Mapping[str, Epochs]) -> Plan:
    """Trainings of a kind, those taken over from the lambda search, and the epochs of all by scenario."""
    own = [part for part in parts if part.kind == kind]
    each = [epochs[part.recipe.name] for part in own if not part.reused]
    sums = {scenario: sum(getattr(one, scenario) for one in each) for scenario in SCENARIOS}
    return {"count": len(each), "reused": len(own) - len(each), "epochs": sums}


def hours(
    workflow: PlannedWorkflow, calibration: Calibration, costs: pd.DataFrame, scenario: str
) -> dict[str, float]:
    """Seconds of all cores, all GPUs and the clock, in one scenario of early stopping.

    The clock's are a bound: no workflow ends before its longest chain of jobs that wait for each other, nor
    before its cores and GPUs, never idle, have done everything.
    """
    ends: dict[str, float] = {}
    for job, seconds in zip(workflow.jobs, costs[scenario], strict=True):
        end = seconds + max((ends.get(path, 0.0) for path in job.inputs), default=0.0)
        ends |= dict.fromkeys(job.outputs, end)
    core, gpu = (float((costs[scenario] * costs[held]).sum()) for held in ("cores", "gpus"))
    gpu = gpu if calibration.device == "cuda" else 0.0
    shared = max(core / workflow.cores, gpu / (workflow.gpus or math.inf), *ends.values())
    return {"core": core, "gpu": gpu, "wall": calibration.dag_seconds + shared}


def as_text(plan: Plan) -> str:
    """A plan for people: a table, and what it rests on."""
    if not plan["jobs"]:
        return "Nothing to do: all results exist. `--all` shows what they took."
    trained = {kind: counted["count"] for kind, counted in plan["trainings"].items()}
    rows = [("jobs", str(sum(plan["jobs"].values())), ""), ("trainings", str(sum(trained.values())), "")]
    for kind, count in trained.items():
        reused = plan["trainings"][kind]["reused"]
        note = f"and {reused} reused from the lambda search" if reused else ""
        rows.append((f"  {kind}", str(count), note))
    names = {"core": "core time", "gpu": "GPU time", "wall": f"wall-clock, {_count(plan['cores'], 'core')}"}
    for key, name in names.items():
        low, expected, high = (duration(plan["hours"][scenario][key]) for scenario in SCENARIOS)
        if key != "gpu" or plan["calibration"]["device"] == "cuda":
            rows.append((name, expected, f"{low} to {high}"))
    for rule, seconds in plan["core_seconds"].items():
        if seconds > SHOWN * plan["hours"]["expected"]["core"]:
            rows.append((f"  {rule}", duration(seconds), _count(plan["jobs"][rule], "job")))
    rows += [(f"disk, {name}", _bytes(size), "") for name, size in plan["disk_bytes"].items()]
    mapped = f"and up to {_bytes(plan['mapped_megabytes'] * 1e6)} of mapped stamps"
    for kind, peak in plan["memory_megabytes"].items():
        rows.append((f"memory, {kind} job", _bytes(peak * 1e6), mapped if kind == "training" else ""))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"{name:<{widths[0]}}  {value:>{widths[1]}}  {note}".rstrip() for name, value, note in rows]
    return "\n".join([*table, "", *(f"- {note}" for note in _notes(plan))])


def _notes(plan: Plan) -> Iterator[str]:
    for name, each in plan["epochs"].items():
        source = _count(each["finished"], "finished run") if each["finished"] else "an assumption"
        span = f"{each['low']:.0f} to {each['high']:.0f}"
        yield f"{name}: {each['expected']:.0f} epochs per training ({span}), the best epoch from {source}"
    here = plan["calibration"]
    processes = _count(here["processes"], "process", "es")
    device = "" if here["device"] == "cpu" else f", trainings on {here['device_name']}"
    yield f"calibrated in {here['seconds']:.0f} s, {processes} side by side{device}; times are on free cores"
    if plan["finished_jobs"]:
        finished = _count(plan["finished_jobs"], "finished job")
        yield f"jobs that neither train, simulate nor make stamps: times from {finished} of the same rules"
    if here["free_share"] < BUSY:
        share = f"{here['free_share']:.0%}"
        busy = duration(plan["hours"]["expected"]["wall"] / here["free_share"])
        yield f"other programs leave a process {share} of a core now; at this load the wall-clock is {busy}"
    if "download" in plan["jobs"]:
        yield f"not counted: the time of {_count(plan['jobs']['download'], 'download')}"
    yield from (f"{name}: put the raw archive at {path} first" for name, path in plan["absent"].items())
    yield from (f"{name}: number of stamps unknown, counted as none" for name in plan["unknown"])


def duration(seconds: float) -> str:
    """Seconds as people say them: ``"40 s"``, ``"5.3 min"``, ``"2.1 h"``, ``"12 days"``."""
    for size, unit, limit in ((1, "s", 90), (60, "min", 5400), (3600, "h", 48 * 3600)):
        if seconds < limit:
            return f"{seconds / size:.{0 if unit == 's' else 1}f} {unit}"
    return f"{seconds / 86400:.1f} days"


def _bytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{plural if number != 1 else ''}"
