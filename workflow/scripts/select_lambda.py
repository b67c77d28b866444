"""Search the entropy weight of a source-target pair."""

from pathlib import Path

from training_job import cohort_of, job_of, paths

from stampshift.core.joblog import job_log
from stampshift.training.jobs import search_entropy_weight

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        files, params = snakemake.input, snakemake.params
        search_entropy_weight(
            job_of(snakemake),
            cohort_of(snakemake, name=params.name),
            shots=params.shots,
            splits=tuple(paths(files.splits)),
            baseline=Path(files.baseline[0]),
            search=params.search,
            output=Path(snakemake.output[0]),
        )
