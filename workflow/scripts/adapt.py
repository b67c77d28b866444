"""Adapt the baselines of a source to a target with one method and every number of shots."""

from training_job import cohort_of, job_of, paths

from stampshift.core.joblog import job_log
from stampshift.training.jobs import adapt

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        files = snakemake.input
        adapt(
            job_of(snakemake),
            cohort_of(snakemake, name=snakemake.wildcards.method),
            shots=snakemake.params.shots,
            seeds=snakemake.params.seeds,
            splits=list(zip(paths(files.source_splits), paths(files.target_splits), strict=True)),
            baselines=paths(files.baselines),
            entropy_weight_files=paths(files.entropy_weight),
            weight_without_labels=snakemake.params.weight_without_labels,
        )
