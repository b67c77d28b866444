"""Adapt the baselines of a source to a target with one method and every number of shots."""

from training_job import cohort_of, job_of, neighbours_of, paths, splits_by_seed

from stampshift.core.joblog import job_log
from stampshift.training.jobs import adapt

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        files, params = snakemake.input, snakemake.params
        adapt(
            job_of(snakemake),
            cohort_of(snakemake, name=snakemake.wildcards.method),
            shots=params.shots,
            seeds=params.seeds,
            splits=splits_by_seed(params.surveys, files.splits, params.seeds),
            baselines=paths(files.baselines),
            entropy_weight_files=paths(files.entropy_weight),
            weight_without_labels=params.weight_without_labels,
            neighbours=neighbours_of(snakemake, seeds=params.seeds),
        )
