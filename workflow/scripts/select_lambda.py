"""Search the entropy weight of a source-target pair."""

from pathlib import Path

from training_job import job_of, paths

from stampshift.core.joblog import job_log
from stampshift.training.jobs import search_entropy_weight

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        files, params = snakemake.input, snakemake.params
        search_entropy_weight(
            job_of(snakemake),
            name=params.name,
            method=params.method,
            source=snakemake.wildcards.source,
            target=snakemake.wildcards.target,
            shots=params.shots,
            stamps=(Path(files.source_stamps), Path(files.target_stamps)),
            splits=tuple(paths(files.splits)),
            baseline=Path(files.baseline),
            options=params.options,
            search=params.search,
            training=params.training,
            validation_shots=params.validation_shots,
            output=Path(snakemake.output[0]),
        )
