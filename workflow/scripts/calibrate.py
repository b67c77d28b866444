"""Fit the temperatures of adapted models on the target's validation shots."""

from pathlib import Path

from stampshift.config.experiment import Run
from stampshift.core.files import write_json
from stampshift.core.joblog import job_log
from stampshift.metrics.calibration import calibration_record
from stampshift.training.finished_models import score_validation

with job_log(snakemake.log[0]):
    cohort = {
        "method": snakemake.wildcards.method,
        "source": snakemake.wildcards.source,
        "target": snakemake.wildcards.target,
        "shots": int(snakemake.wildcards.shots),
    }
    validation = score_validation(
        [Run(**cohort, seed=seed) for seed in snakemake.params.seeds],
        models=[Path(path) for path in snakemake.input.models],
        stamps={
            cohort["source"]: Path(snakemake.input.source_stamps),
            cohort["target"]: Path(snakemake.input.target_stamps),
        },
        splits=[
            {cohort["source"]: Path(source), cohort["target"]: Path(target)}
            for source, target in zip(
                snakemake.input.source_splits, snakemake.input.target_splits, strict=True
            )
        ],
        validation_shots=snakemake.params.validation_shots,
        device=snakemake.config["execution"]["device"],
    )
    write_json(snakemake.output[0], calibration_record(validation, **cohort))
