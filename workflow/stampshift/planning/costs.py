"""From jobs and a calibration to seconds, memory and disk: arithmetic only.

What a job does shows in its files, not in its rule's name. Trainings, simulations and stamps cost what their
numbers of stamps take; any other job what finished jobs of its rule took or, without any, a process's start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import pandas as pd

from stampshift.core.files import read_table
from stampshift.planning.calibrate import Calibration, Rates
from stampshift.planning.dry_run import PlannedJob, PlannedWorkflow
from stampshift.planning.planned_trainings import Training
from stampshift.training.run_folder import MODEL

SCENARIOS = ("low", "expected", "high")
DISK = ("raw archives", "stamps", "results")
COLUMNS = ("rule", "cores", "gpus", *SCENARIOS, "megabytes", *DISK)
COPIES = 2  # of a run's files: among the results, and in the store
BYTES_PER_PREDICTION = 14.0  # of predictions.parquet, as written in finished studies
BYTES_PER_LABEL = 60  # of a stamps file beside the stamps: label, class, identifiers
MEGABYTE = 1e6
WITH_TORCH, WITHOUT_TORCH = 0.75, 0.25  # start of a job's process, over that of the calibration's


class Archive(NamedTuple):
    """What one stamp of a raw archive takes: seconds of one core, and bytes."""

    seconds_to_draw: float
    seconds_to_read: float
    bytes_on_disk: float
    bytes_in_memory: float = 0.0  # of archives that are single pickles, held whole


# by reader, from "Cost model" in benchmarks/README.md; other readers are taken to be as DES'
ARCHIVES = {
    "hits": Archive(0.0016, 0.00012, 6900),
    "des": Archive(0.0046, 0.0002, 60_000),
    "atlas": Archive(0.0023, 0.00026, 53_000, 90_000),
    "ztf": Archive(0.0037, 0.00062, 69_000, 103_000),
}


def read_benchmarks(folder: Path) -> Rates:
    """What finished jobs took: mean ``seconds`` and peak ``megabytes``, by rule."""
    tables = [
        read_table(path, sep="\t", usecols=["s", "max_rss"], dtype=float).assign(
            rule=path.relative_to(folder).parts[0].removesuffix(".tsv")
        )
        for path in sorted(folder.rglob("*.tsv"))
    ]
    if not tables:
        return {}
    by_rule = pd.concat(tables).groupby("rule")
    taken = by_rule.agg(seconds=("s", "mean"), megabytes=("max_rss", "max"))
    return {str(rule): dict(row) for rule, row in taken.iterrows()}


def stamp_bytes(count: float, size_pixels: int) -> float:
    """Size of a stamps file: three float32 images per stamp, and its labels."""
    return count * (3 * 4 * size_pixels**2 + BYTES_PER_LABEL)


@dataclass(frozen=True)
class CostModel:
    """What the costs of jobs are computed from."""

    workflow: PlannedWorkflow
    calibration: Calibration
    epochs: Rates  # of a training, by recipe and scenario
    taken: Rates  # see `read_benchmarks`

    def table(self, trainings: Sequence[Sequence[Training]]) -> pd.DataFrame:
        """Costs of the jobs, given the trainings of each, a row per job.

        Columns: ``rule``, the ``cores`` and ``gpus`` that it holds, seconds by scenario of early stopping,
        peak ``megabytes`` (0 where unknown; without mapped stamps files), and bytes written as in `DISK`.
        """
        rows = [self._row(job, own) for job, own in zip(self.workflow.jobs, trainings, strict=True)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _row(self, job: PlannedJob, trainings: Sequence[Training]) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(COLUMNS, 0.0)
        row |= {"rule": job.rule, "cores": job.threads, "gpus": job.gpus if self.calibration.gpu else 0}
        if trainings:
            return row | self._of_cohort(job, trainings)
        torch = any(PurePath(path).name == MODEL for path in job.inputs | job.outputs)
        share = WITH_TORCH if torch else WITHOUT_TORCH if job.outputs else 0.0
        seconds = share * self.calibration.start_seconds
        survey, taken = self._survey_of(job), self.taken.get(job.rule)
        if survey:
            seconds += self._add_archive(row, job, survey)
        elif taken:  # the memory of a job too short to sample is NaN, which is no maximum
            seconds, row["megabytes"] = taken["seconds"], max(0.0, taken["megabytes"])
        return row | dict.fromkeys(SCENARIOS, seconds)

    def _survey_of(self, job: PlannedJob) -> str | None:
        """Survey whose raw archive a job downloads, draws or makes into stamps; None for any other job."""
        surveys, study = self.workflow.config["surveys"], self.workflow.config["des_study"]
        if any(path.startswith("resources/raw/") for path in job.outputs):
            return job.wildcards["survey"] if job.wildcards.get("survey") in surveys else None
        made = {f"stamps/{name}.h5": name for name in surveys} | {"des_study/stamps.h5": study["survey"]}
        made["des_study/new-survey/stamps.h5"] = (study["new_survey"] or {}).get("survey")
        return next((made[str(path)] for path in self.workflow.result_files(job) if str(path) in made), None)

    def _add_archive(self, row: dict[str, Any], job: PlannedJob, survey: str) -> float:
        """Seconds to draw an archive, on all threads, or read it, on one; memory and disk go to the row."""
        section, count = self.workflow.config["surveys"][survey], self.workflow.count(survey)
        rate, files = ARCHIVES.get(section["reader"], ARCHIVES["des"]), self.workflow.result_files(job)
        if "size" in job.wildcards:
            count = int(job.wildcards["size"])
            row["raw archives"] = count * rate.bytes_on_disk
            return count * rate.seconds_to_draw / job.threads
        if not files:  # a download of one of the archive's files
            row["raw archives"] = count * rate.bytes_on_disk / len(section.get("url", [survey]))
            return 0.0
        study = files[0].parts[0]  # stamps or des_study
        row["stamps"] = stamp_bytes(count, self.workflow.config[study]["size_pixels"])
        row["megabytes"] = count * rate.bytes_in_memory / MEGABYTE
        return count * rate.seconds_to_read

    def _of_cohort(self, job: PlannedJob, trainings: Sequence[Training]) -> dict[str, float]:
        """One run per thread trains at a time; on a GPU each takes its share of a stack's time."""
        rates, trained = self.calibration.trainings, [part for part in trainings if not part.reused]
        at_once = 1 if self.calibration.gpu else max(1, min(job.threads, len(trained)))
        # the recipes were calibrated one after the other, and only the first one's process was new
        first = max(rate["first_step_seconds"] for rate in rates.values())
        cost = dict.fromkeys(SCENARIOS, WITH_TORCH * self.calibration.start_seconds + first)
        for scenario in SCENARIOS if trained else ():
            each = [self._run_seconds(part, scenario) for part in trained]
            # no run starts before a thread is free, none ends before the longest one
            cost[scenario] += max(sum(each) / len(each) * ceil(len(each) / at_once), max(each))
        cost["megabytes"] = at_once * max(rates[part.recipe.name]["megabytes"] for part in trainings)
        cost["results"] = COPIES * sum(
            rates[part.recipe.name]["model_bytes"] + part.test_stamps * BYTES_PER_PREDICTION
            for part in trainings
        )
        return cost

    def _run_seconds(self, part: Training, scenario: str) -> float:
        rate, epochs = self.calibration.trainings[part.recipe.name], self.epochs[part.recipe.name][scenario]
        scored = (epochs * part.validation_stamps + part.test_stamps) * rate["seconds_per_scored"]
        return float(epochs * part.epoch_stamps * rate["seconds_per_stamp"] + scored)
