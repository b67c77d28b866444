"""A plan as one object, and as a plain table for the terminal."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stampshift.planning.calibration import Calibration
from stampshift.planning.epochs import Epochs, Finished, expected_epochs
from stampshift.planning.estimate import (
    SCENARIOS,
    CountedTrainings,
    Hours,
    counted_trainings,
    hours,
    jobs_by_rule,
    work,
)
from stampshift.planning.storage import disk_bytes, mapped_megabytes, memory_megabytes
from stampshift.planning.workflow import PlannedWorkflow

BUSY = 0.8  # of a core: below it, other programs matter


@dataclass(frozen=True)
class Plan:
    """What an experiment will cost.

    Attributes
    ----------
    jobs
        Number by rule.
    trainings
        By kind.
    hours
        By scenario of early stopping; times on free cores.
    epochs
        Of one training, by recipe.
    disk_bytes, memory_megabytes
        To be written, by what it is; peak of the largest job, by kind.
    mapped_megabytes
        Of stamps files that a training maps, shared by all processes.
    cores, gpus
        That the jobs share.
    absent, unknown
        Surveys whose archive is not there yet, and those of whose size nothing is known.
    calibration
        What was measured.
    """

    jobs: Mapping[str, int]
    trainings: Mapping[str, CountedTrainings]
    hours: Mapping[str, Hours]
    epochs: Mapping[str, Epochs]
    disk_bytes: Mapping[str, float]
    memory_megabytes: Mapping[str, float]
    mapped_megabytes: float
    cores: int
    gpus: int | None
    absent: Mapping[str, str]
    unknown: tuple[str, ...]
    calibration: Calibration

    def as_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self)


def make_plan(
    workflow: PlannedWorkflow,
    calibration: Calibration,
    *,
    stamps: Mapping[str, int],
    unknown: list[str],
    finished: Mapping[tuple[str, str], list[Finished]],
) -> Plan:
    """Plan of a workflow on the machine that was calibrated.

    Parameters
    ----------
    workflow
        Jobs and configuration.
    calibration
        What their parts take.
    stamps, unknown
        See `stampshift.planning.sizes.survey_sizes`.
    finished
        See `stampshift.planning.epochs.read_finished`.
    """
    trained = work(workflow, stamps)
    recipes = {part.recipe.name: part.recipe for parts in trained for part in parts}
    epochs = {name: expected_epochs(recipe, finished) for name, recipe in recipes.items()}
    return Plan(
        jobs=jobs_by_rule(workflow),
        trainings=counted_trainings(trained, epochs),
        hours={
            scenario: hours(workflow, calibration, stamps=stamps, epochs=epochs, scenario=scenario)
            for scenario in SCENARIOS
        },
        epochs=epochs,
        disk_bytes=disk_bytes(workflow, calibration, trained, stamps=stamps),
        memory_megabytes=memory_megabytes(workflow, calibration, trained, stamps=stamps),
        mapped_megabytes=mapped_megabytes(workflow, trained, stamps=stamps),
        cores=workflow.cores,
        gpus=workflow.gpus,
        absent=workflow.absent,
        unknown=tuple(unknown),
        calibration=calibration,
    )


def as_text(plan: Plan) -> str:
    """A plan for people: a table, and what it rests on."""
    if not plan.jobs:
        return "Nothing to be done: all results are there. `--all` counts what they took."
    rows = [("jobs", str(sum(plan.jobs.values())), ""), ("trainings", _total(plan), "")]
    for kind, counted in plan.trainings.items():
        note = f"and {counted.reused} taken over from the lambda search" if counted.reused else ""
        rows.append((f"  {kind}", str(counted.count), note))
    rows += _times(plan)
    rows += [(f"disk, {name}", _bytes(size), "") for name, size in plan.disk_bytes.items()]
    for kind, peak in plan.memory_megabytes.items():
        mapped = (
            f"and up to {_bytes(plan.mapped_megabytes * 1e6)} of mapped stamps" if kind == "training" else ""
        )
        rows.append((f"memory, {kind} job", _bytes(peak * 1e6), mapped))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    table = [f"{name:<{widths[0]}}  {value:>{widths[1]}}  {note}".rstrip() for name, value, note in rows]
    return "\n".join([*table, "", *_notes(plan)])


def _total(plan: Plan) -> str:
    return str(sum(counted.count for counted in plan.trainings.values()))


def _times(plan: Plan) -> list[tuple[str, str, str]]:
    def row(name: str, of: Callable[[Hours], float]) -> tuple[str, str, str]:
        low, expected, high = (duration(of(plan.hours[scenario])) for scenario in SCENARIOS)
        return name, expected, f"{low} to {high}"

    gpu = [row("GPU time", lambda hours: hours.gpu)] if plan.calibration.device == "cuda" else []
    wall = row(f"wall-clock, {_count(plan.cores, 'core')}", lambda hours: hours.wall)
    return [row("core time", lambda hours: hours.core), *gpu, wall]


def _notes(plan: Plan) -> list[str]:
    calibration, notes = plan.calibration, []
    for name, epochs in plan.epochs.items():
        source = _count(epochs.finished, "finished run") if epochs.finished else "an assumption"
        notes.append(
            f"{name}: {epochs.expected:.0f} epochs per training ({epochs.low:.0f} to {epochs.high:.0f}), "
            f"the best epoch from {source}"
        )
    device = "" if calibration.device == "cpu" else f", trainings on {calibration.device_name}"
    notes.append(
        f"calibrated in {calibration.seconds:.0f} s, {_count(calibration.processes, 'process', 'es')} "
        f"side by side{device}; times are on free cores"
    )
    if calibration.free_share < BUSY:
        busy = plan.hours["expected"].wall / calibration.free_share
        notes.append(
            f"other programs leave a process {calibration.free_share:.0%} of a core now: "
            f"as busy as this, {duration(busy)}"
        )
    if "download" in plan.jobs:
        notes.append(f"not counted: the time of {_count(plan.jobs['download'], 'download')}")
    notes += [f"{name}: put the raw archive at {path} first" for name, path in plan.absent.items()]
    notes += [f"{name}: number of stamps unknown, taken to be none" for name in plan.unknown]
    return [f"- {note}" for note in notes]


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
