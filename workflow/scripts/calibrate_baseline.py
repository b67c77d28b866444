"""Fit the temperatures of the baselines of a source on the source's validation parts."""

from pathlib import Path

from stampshift.config.experiment import BASELINE, Run
from stampshift.core.files import write_json
from stampshift.core.joblog import job_log
from stampshift.metrics.calibration import calibration_record
from stampshift.training.finished_models import score_validation

with job_log(snakemake.log[0]):
    source = snakemake.wildcards.source
    cohort = {"method": BASELINE, "source": source, "target": None, "shots": 0}
    validation = score_validation(
        [Run(**cohort, seed=seed) for seed in snakemake.params.seeds],
        models=[Path(path) for path in snakemake.input.models],
        stamps={source: Path(snakemake.input.stamps)},
        splits=[{source: Path(path)} for path in snakemake.input.splits],
        validation_shots=0,
        device=snakemake.config["execution"]["device"],
    )
    write_json(snakemake.output[0], calibration_record(validation, **cohort))
