"""Adapt the baselines of a source to a target with one method and one number of shots."""

from pathlib import Path

from training_job import job_of, paths

from stampshift.core.joblog import job_log
from stampshift.training.jobs import adapt

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        files, params = snakemake.input, snakemake.params
        adapt(
            job_of(snakemake),
            name=snakemake.wildcards.method,
            method=params.method,
            source=snakemake.wildcards.source,
            target=snakemake.wildcards.target,
            shots=int(snakemake.wildcards.shots),
            seeds=params.seeds,
            stamps=(Path(files.source_stamps), Path(files.target_stamps)),
            splits=list(zip(paths(files.source_splits), paths(files.target_splits), strict=True)),
            baselines=paths(files.baselines),
            options=params.options,
            entropy_weight_files=paths(files.entropy_weight),
            training=params.training,
            validation_shots=params.validation_shots,
        )
