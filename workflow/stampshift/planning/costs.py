"""From jobs and a calibration to seconds, memory and disk: arithmetic only.

No rule has a name here: what a job does shows in its files. Trainings, simulations and stamps cost what their
numbers of stamps take on this machine. Any other job costs what finished jobs of its rule took or, where none
has finished, the start of its process and the stamps that it scores.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from stampshift.core.files import read_table
from stampshift.planning.calibrate import Calibration, Rates
from stampshift.planning.dry_run import PlannedJob, PlannedWorkflow
from stampshift.planning.planned_trainings import SEARCH, Epochs, Training
from stampshift.training.run_folder import MODEL, PREDICTIONS

SCENARIOS = ("low", "expected", "high")
DISK = ("raw archives", "stamps", "results")
COLUMNS = ("rule", "kind", "cores", "gpus", *SCENARIOS, "megabytes", "mapped_megabytes", *DISK)
RAW, SIMULATED = "resources/raw/", "resources/raw/simulated/"
KINDS = {".h5": "data", ".npz": "data", ".pdf": "figure"}  # by the suffix of an output
BYTES_PER_PREDICTION = 14.0  # of predictions.parquet, as written in finished studies
HISTORY_BYTES = 6000  # history.parquet and metrics.json
FIGURE_BYTES = 250_000  # PDF and PNG
BYTES_PER_LABEL = 60  # of a stamps file beside the stamps: label, class, identifiers
# ATLAS and ZTF are single pickles, held whole: peak memory over size of the archive, see benchmarks/README.md
WHOLE_ARCHIVE = {"atlas": 1.7, "ztf": 1.5}
MEGABYTE = 1e6
MEBIBYTE = 2**20 / MEGABYTE


def read_benchmarks(folder: Path) -> Rates:
    """What finished jobs took: mean ``seconds``, peak ``megabytes`` and number of ``jobs``, by rule."""
    by_rule = defaultdict(list)
    for path in sorted(folder.rglob("*.tsv")):
        table = read_table(path, sep="\t", usecols=["s", "max_rss"], dtype=float)
        by_rule[path.relative_to(folder).parts[0].removesuffix(".tsv")].append(table)
    tables = {rule: pd.concat(own) for rule, own in by_rule.items()}
    return {
        rule: {"seconds": own["s"].mean(), "megabytes": own["max_rss"].max() * MEBIBYTE, "jobs": len(own)}
        for rule, own in tables.items()
    }


def kind_of(job: PlannedJob) -> str | None:
    """Key of `Calibration.starts` for a job's process; None for a download and a job without outputs."""
    raw = [path for path in job.outputs if path.startswith(RAW)]
    if raw or not job.outputs:
        return "simulation" if any(path.startswith(SIMULATED) for path in raw) else None
    if any(PurePath(path).name == MODEL for path in job.inputs | job.outputs):
        return "training"
    suffixes = {PurePath(path).suffix for path in job.outputs}
    return next((kind for suffix, kind in KINDS.items() if suffix in suffixes), "table")


def archive_of(job: PlannedJob, workflow: PlannedWorkflow) -> str | None:
    """Survey whose raw archive a job downloads, draws or makes into stamps; None for any other job."""
    if any(path.startswith(RAW) for path in job.outputs):
        named = job.wildcards.get("survey")
        return named if named in workflow.config["surveys"] else None
    study = workflow.config["des_study"]
    made = {f"stamps/{name}.h5": name for name in workflow.config["surveys"]}
    made["des_study/stamps.h5"] = study["survey"]
    made["des_study/new-survey/stamps.h5"] = (study["new_survey"] or {}).get("survey")
    return next((made[str(path)] for path in workflow.result_files(job) if str(path) in made), None)


def stamp_bytes(count: float, size_pixels: int) -> float:
    """Size of a stamps file: three float32 images per stamp, and its labels."""
    return count * (3 * 4 * size_pixels**2 + BYTES_PER_LABEL)


@dataclass(frozen=True)
class CostModel:
    """What the costs of jobs are computed from."""

    workflow: PlannedWorkflow
    calibration: Calibration
    epochs: Mapping[str, Epochs]  # of a training, by recipe
    taken: Rates  # see `read_benchmarks`

    def table(self, trainings: Sequence[Sequence[Training]]) -> pd.DataFrame:
        """Costs of the jobs, given the trainings of each, a row per job.

        Columns: ``rule``, ``kind``, the ``cores`` and ``gpus`` that it holds, seconds by scenario of early
        stopping, ``megabytes`` (peak), ``mapped_megabytes`` of stamps files, and bytes written as in `DISK`.
        """
        rows = [self._row(job, own) for job, own in zip(self.workflow.jobs, trainings, strict=True)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _row(self, job: PlannedJob, trainings: Sequence[Training]) -> dict[str, Any]:
        kind, survey, taken = kind_of(job), archive_of(job, self.workflow), self.taken.get(job.rule)
        start = self.calibration.starts.get(kind or "", {"seconds": 0.0, "megabytes": 0.0})
        row: dict[str, Any] = dict.fromkeys(COLUMNS, 0.0) | {"megabytes": start["megabytes"]}
        row |= {"rule": job.rule, "kind": kind, "cores": job.threads, "gpus": job.gpus}
        if trainings:
            return row | self._of_cohort(job, trainings)
        if survey:
            seconds = start["seconds"] + self._add_archive(row, job, survey)
        elif taken:  # the memory of a job too short to sample is NaN, which is no maximum
            seconds, row["megabytes"] = taken["seconds"], max(start["megabytes"], taken["megabytes"])
        else:
            seconds = start["seconds"] + self._scoring_seconds(job)
        return (
            row | dict.fromkeys(SCENARIOS, seconds) | ({"results": FIGURE_BYTES} if kind == "figure" else {})
        )

    def _add_archive(self, row: dict[str, Any], job: PlannedJob, survey: str) -> float:
        """Seconds to draw an archive, on all threads, or read it, on one; memory and disk go to the row."""
        rate, section = self.calibration.archives[survey], self.workflow.config["surveys"][survey]
        if row["kind"] == "simulation":
            count = int(job.wildcards.get("size", 0))
            row["raw archives"] = count * rate["bytes_per_stamp"]
            return count * rate["seconds_per_drawn"] / job.threads
        count = self.workflow.count(survey)
        raw = count * rate["bytes_per_stamp"]
        if row["kind"] is None:
            row["raw archives"] = raw / len(section.get("url", [survey]))
            return 0.0
        study = self.workflow.result_files(job)[0].parts[0]  # stamps or des_study
        row["stamps"] = stamp_bytes(count, self.workflow.config[study]["size_pixels"])
        row["megabytes"] += WHOLE_ARCHIVE.get(section["reader"], 0.0) * raw / MEGABYTE
        return count * rate["seconds_per_read"]

    def _scoring_seconds(self, job: PlannedJob) -> float:
        """The target's test part is scored once for each file of predictions."""
        files = sum(path.name == PREDICTIONS for path in self.workflow.result_files(job))
        share = self.workflow.config["splits"]["fractions"]["test"]
        tested = share * self.workflow.count(job.wildcards.get("target", ""))
        rates = [rate["seconds_per_scored"] for rate in self.calibration.trainings.values()]
        return files * tested * max(rates, default=0.0)

    def _of_cohort(self, job: PlannedJob, trainings: Sequence[Training]) -> dict[str, float]:
        """One run per thread trains at a time; on a GPU each takes its share of a stack's time."""
        rates, trained = self.calibration.trainings, [part for part in trainings if not part.reused]
        at_once = 1 if self.calibration.device == "cuda" else max(1, min(job.threads, len(trained)))
        # the recipes were calibrated one after the other, and only the first one's process was new
        first = max(rate["first_step_seconds"] for rate in rates.values())
        cost = dict.fromkeys(SCENARIOS, self.calibration.starts["training"]["seconds"])
        for scenario in SCENARIOS if trained else ():
            each = [self._run_seconds(part, scenario) for part in trained]
            # no run starts before a thread is free, none ends before the longest one
            cost[scenario] += first + max(sum(each) / len(each) * ceil(len(each) / at_once), max(each))
        cost["megabytes"] = at_once * max(rates[part.recipe.name]["megabytes"] for part in trainings)
        sizes = {survey: part.recipe.size_pixels for part in trainings for survey in part.surveys}
        mapped = [stamp_bytes(self.workflow.count(survey), size) for survey, size in sizes.items()]
        results = sum(self._run_bytes(part) for part in trainings)
        return cost | {"mapped_megabytes": sum(mapped) / MEGABYTE, "results": results}

    def _run_seconds(self, part: Training, scenario: str) -> float:
        rate, epochs = (
            self.calibration.trainings[part.recipe.name],
            getattr(self.epochs[part.recipe.name], scenario),
        )
        scored = epochs * part.validation_stamps + part.test_stamps
        epoch = epochs * part.epoch_stamps
        return float(epoch * rate["seconds_per_stamp"] + scored * rate["seconds_per_scored"])

    def _run_bytes(self, part: Training) -> float:
        """A run's files lie among the results and in the store, those of the search in the store alone."""
        files = self.calibration.trainings[part.recipe.name]["model_bytes"] + HISTORY_BYTES
        return ((not part.reused) + (part.kind != SEARCH)) * (files + part.test_stamps * BYTES_PER_PREDICTION)
