"""Disk and memory that an experiment will need."""

from collections.abc import Mapping, Sequence

from stampshift.planning.calibration import Calibration
from stampshift.planning.estimate import SIMULATING, kind_of, read_survey
from stampshift.planning.trainings import Trainings
from stampshift.planning.workflow import PlannedWorkflow

BYTES_PER_PREDICTION = 14.0  # of predictions.parquet, as written in finished studies
HISTORY_BYTES = 6000  # history.parquet and metrics.json
FIGURE_BYTES = 250_000  # PDF and PNG
BYTES_PER_LABEL = 60  # of a stamps file beside the stamps: label, class, identifiers
# ATLAS and ZTF are single pickles, held whole: peak memory over size of the archive, see benchmarks/README.md
WHOLE_ARCHIVE = {"atlas": 1.7, "ztf": 1.5}
MEGABYTE = 1e6


def stamp_bytes(count: int, size_pixels: int) -> float:
    """Size of a stamps file: three float32 images per stamp, and its labels."""
    return float(count) * (3 * 4 * size_pixels**2 + BYTES_PER_LABEL)


def disk_bytes(
    workflow: PlannedWorkflow,
    calibration: Calibration,
    trained: Sequence[Sequence[Trainings]],
    *,
    stamps: Mapping[str, int],
) -> dict[str, float]:
    """Bytes that the jobs will write: raw archives, stamps, and everything else among the results.

    A run's files lie among the results and in the store of finished runs, those of the search in the store
    alone.
    """
    raw, converted, figures = 0.0, 0.0, 0.0
    downloaded: set[str] = set()
    for job in workflow.jobs:
        survey = job.wildcards.get("survey", "")
        if job.rule in SIMULATING:
            raw += int(job.wildcards["size"]) * calibration.archives[survey].bytes_per_stamp
        elif job.rule == "download" and survey in calibration.archives and survey not in downloaded:
            raw += stamps[survey] * calibration.archives[survey].bytes_per_stamp
            downloaded.add(survey)
        elif (read := read_survey(job, workflow)) is not None:
            study = "des_study" if job.rule.startswith("des_study") else "stamps"
            converted += stamp_bytes(stamps[read], workflow.config[study]["size_pixels"])
        figures += kind_of(job) == "figure"
    runs = sum(_run_bytes(part, calibration) for parts in trained for part in parts)
    return {"raw archives": raw, "stamps": converted, "results": runs + figures * FIGURE_BYTES}


def _run_bytes(part: Trainings, calibration: Calibration) -> float:
    each = float(calibration.trainings[part.recipe.name].model_bytes + HISTORY_BYTES)
    each += part.test_stamps * BYTES_PER_PREDICTION
    published = 0 if part.kind == "lambda search" else part.count + part.reused
    return each * (part.count + published)


def memory_megabytes(
    workflow: PlannedWorkflow,
    calibration: Calibration,
    trained: Sequence[Sequence[Trainings]],
    *,
    stamps: Mapping[str, int],
) -> dict[str, float]:
    """Peak resident memory in MB of the largest job of each kind.

    The stamps files that a training maps do not count here: see `mapped_megabytes`.
    """
    peaks: dict[str, float] = {}
    for job, parts in zip(workflow.jobs, trained, strict=True):
        kind = kind_of(job)
        if kind is None:
            continue
        needed = calibration.starts[kind].megabytes
        if parts:
            processes = (
                1 if calibration.device == "cuda" else min(job.threads, sum(part.count for part in parts))
            )
            needed = max(calibration.trainings[part.recipe.name].megabytes for part in parts) * max(
                1, processes
            )
        elif (read := read_survey(job, workflow)) is not None:
            reader = workflow.config["surveys"][read]["reader"]
            archive = stamps[read] * calibration.archives[read].bytes_per_stamp / MEGABYTE
            needed += WHOLE_ARCHIVE.get(reader, 0.0) * archive
        peaks[kind] = max(peaks.get(kind, 0.0), needed)
    return peaks


def mapped_megabytes(
    workflow: PlannedWorkflow, trained: Sequence[Sequence[Trainings]], *, stamps: Mapping[str, int]
) -> float:
    """Size in MB of the stamps files of the training job that maps most.

    All processes share the pages, and the system takes them back where memory runs short.
    """
    largest = 0.0
    for job, parts in zip(workflow.jobs, trained, strict=True):
        if not parts:
            continue
        names = [job.wildcards[role] for role in ("source", "target") if role in job.wildcards]
        names = names or [workflow.config["des_study"]["survey"]]
        size = parts[0].recipe.size_pixels
        largest = max(largest, sum(stamp_bytes(stamps[name], size) for name in names) / MEGABYTE)
    return largest
