"""From jobs and a calibration to hours, disk and memory: arithmetic only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from stampshift.planning.calibration import Calibration
from stampshift.planning.epochs import Epochs
from stampshift.planning.schedule import wall_seconds
from stampshift.planning.trainings import KINDS, Trainings, trainings_of
from stampshift.planning.workflow import PlannedJob, PlannedWorkflow

SCENARIOS = ("low", "expected", "high")
SCORING = ("transfer", "calibrate", "calibrate_baseline", "features")
SIMULATING = ("simulate", "simulate_flipped")
DATA = {"stamps", "splits", "signal_to_noise", "des_study_stamps", "des_study_new_stamps"} | {
    "des_study_splits", "des_study_folds", "des_study_features", "des_study_stamp_features",
}  # fmt: skip


@dataclass(frozen=True)
class Hours:
    """Time of a whole workflow, in seconds.

    Attributes
    ----------
    core
        Of a core, however many work at once.
    gpu
        Of jobs that train on a GPU.
    wall
        From the start of Snakemake to its end.
    """

    core: float
    gpu: float
    wall: float


@dataclass(frozen=True)
class CountedTrainings:
    """Trainings of one kind.

    Attributes
    ----------
    count, reused
        To train, and to take over from the lambda search.
    epochs
        Of all that are trained, by scenario.
    """

    count: int
    reused: int
    epochs: Mapping[str, float]


def kind_of(job: PlannedJob) -> str | None:
    """Kind of a job's process: a key of `Calibration.starts`; None for a job without any."""
    if not job.outputs or job.rule == "download":
        return None
    if any(path.endswith("/model.pt") for path in job.outputs) or "select" in job.rule:
        return "training"
    if job.rule in SCORING:
        return "training"
    if job.rule in SIMULATING:
        return "simulation"
    if job.rule in DATA:
        return "data"
    return "figure" if any(path.endswith(".pdf") for path in job.outputs) else "table"


def work(workflow: PlannedWorkflow, stamps: Mapping[str, int]) -> list[list[Trainings]]:
    """Trainings of every job."""
    return [trainings_of(job, workflow, stamps=stamps) for job in workflow.jobs]


def job_seconds(
    job: PlannedJob,
    trainings: Sequence[Trainings],
    calibration: Calibration,
    *,
    workflow: PlannedWorkflow,
    stamps: Mapping[str, int],
    epochs: Mapping[str, Epochs],
    scenario: str,
) -> float:
    """Seconds from the start of a job to its end.

    Parameters
    ----------
    job, trainings
        The job, and what it trains.
    calibration
        What its parts take here.
    workflow
        With the configuration.
    stamps
        Number of stamps by survey.
    epochs
        Of one training, by the recipe's name.
    scenario
        One of `SCENARIOS`.
    """
    kind = kind_of(job)
    if kind is None:
        return 0.0
    seconds = calibration.starts[kind].seconds
    if trainings:
        return seconds + _training_seconds(job, trainings, calibration, epochs, scenario)
    if kind == "simulation":
        drawn = job.wildcards["survey"]
        return (
            seconds + int(job.wildcards["size"]) * calibration.archives[drawn].seconds_per_drawn / job.threads
        )
    if survey := read_survey(job, workflow):
        return seconds + stamps[survey] * calibration.archives[survey].seconds_per_read
    if job.rule == "transfer":
        scored = stamps[job.wildcards["target"]] * workflow.config["splits"]["fractions"]["test"]
        rate = next(iter(calibration.trainings.values()), None)
        return seconds + (len(workflow.experiment.seeds) * scored * rate.seconds_per_scored if rate else 0.0)
    return seconds


def read_survey(job: PlannedJob, workflow: PlannedWorkflow) -> str | None:
    """Survey whose raw archive a job makes into stamps; None for another job."""
    study = workflow.config["des_study"]
    if job.rule == "des_study_new_stamps":
        return str(study["new_survey"]["survey"])
    return {"stamps": job.wildcards.get("survey"), "des_study_stamps": study["survey"]}.get(job.rule)


def _training_seconds(
    job: PlannedJob,
    trainings: Sequence[Trainings],
    calibration: Calibration,
    epochs: Mapping[str, Epochs],
    scenario: str,
) -> float:
    """Runs of a cohort, one per thread at a time; on a GPU each takes its share of a stack's time."""
    at_once = 1 if calibration.device == "cuda" else job.threads
    each: list[float] = []
    for part in trainings:
        rate = calibration.trainings[part.recipe.name]
        epoch = part.epoch_stamps * rate.seconds_per_stamp + part.validation_stamps * rate.seconds_per_scored
        run = getattr(epochs[part.recipe.name], scenario) * epoch + part.test_stamps * rate.seconds_per_scored
        each += [run] * part.count
    # the recipes were calibrated one after the other, and only the first one's process was new
    first = max(rate.first_step_seconds for rate in calibration.trainings.values())
    rounds = ceil(len(each) / at_once)
    # no run starts before a thread is free, none ends before the longest one
    return first + max(sum(each) / len(each) * rounds, max(each)) if each else 0.0


def hours(
    workflow: PlannedWorkflow,
    calibration: Calibration,
    *,
    stamps: Mapping[str, int],
    epochs: Mapping[str, Epochs],
    scenario: str,
) -> Hours:
    """Time that the whole workflow takes, in one scenario of early stopping."""
    trained = work(workflow, stamps)
    seconds = [
        job_seconds(
            job, parts, calibration, workflow=workflow, stamps=stamps, epochs=epochs, scenario=scenario
        )
        for job, parts in zip(workflow.jobs, trained, strict=True)
    ]
    on_gpu = calibration.device == "cuda"
    return Hours(
        core=sum(each * busy_threads(job) for job, each in zip(workflow.jobs, seconds, strict=True)),
        gpu=sum(each for each, job in zip(seconds, workflow.jobs, strict=True) if on_gpu and job.gpus),
        wall=calibration.dag_seconds
        + wall_seconds(workflow.jobs, seconds, cores=workflow.cores, gpus=workflow.gpus),
    )


def busy_threads(job: PlannedJob) -> int:
    """Cores that a job holds."""
    return job.threads if kind_of(job) else 0


def counted_trainings(
    trained: Sequence[Sequence[Trainings]], epochs: Mapping[str, Epochs]
) -> dict[str, CountedTrainings]:
    """Trainings and their epochs, by kind."""
    parts = [part for each in trained for part in each]
    counts: dict[str, CountedTrainings] = {}
    for kind in [kind for kind in KINDS if any(part.kind == kind for part in parts)]:
        own = [part for part in parts if part.kind == kind]
        counts[kind] = CountedTrainings(
            count=sum(part.count for part in own),
            reused=sum(part.reused for part in own),
            epochs={
                scenario: sum(part.count * getattr(epochs[part.recipe.name], scenario) for part in own)
                for scenario in SCENARIOS
            },
        )
    return counts


def jobs_by_rule(workflow: PlannedWorkflow) -> dict[str, int]:
    """Number of jobs by rule."""
    return dict(Counter(job.rule for job in workflow.jobs).most_common())
