"""Train the baselines of a source."""

from training_job import job_of, paths, splits_by_seed

from stampshift.core.joblog import job_log
from stampshift.training.jobs import train_baselines

if __name__ == "__main__":  # worker processes import this file
    params = snakemake.params
    with job_log(snakemake.log[0]):
        train_baselines(
            job_of(snakemake),
            network=params.network,
            source=snakemake.wildcards.source,
            seeds=params.seeds,
            stamps=dict(zip(params.surveys, paths(snakemake.input.stamps), strict=True)),
            splits=splits_by_seed(params.surveys, snakemake.input.splits, params.seeds),
            training=params.training,
            precision=params.precision,
            folder=params.folder,
        )
