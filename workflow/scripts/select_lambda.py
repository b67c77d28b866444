"""Search the entropy weight of a source-target pair."""

from pathlib import Path

from training_job import cohort_of, job_of, neighbours_of, splits_by_seed

from stampshift.core.joblog import job_log
from stampshift.training.jobs import search_entropy_weight

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        files, params = snakemake.input, snakemake.params
        search_entropy_weight(
            job_of(snakemake),
            cohort_of(snakemake, name=params.name),
            shots=params.shots,
            splits=splits_by_seed(params.surveys, files.splits, [params.search["seed"]])[0],
            baseline=Path(files.baseline[0]),
            search=params.search,
            output=Path(snakemake.output[0]),
            neighbours=neighbours_of(snakemake, seeds=[params.search["seed"]]),
        )
