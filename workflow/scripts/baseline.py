"""Train the baselines of a source."""

from pathlib import Path

from training_job import job_of, paths

from stampshift.core.joblog import job_log
from stampshift.training.jobs import train_baselines

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        train_baselines(
            job_of(snakemake),
            network=snakemake.params.network,
            source=snakemake.wildcards.source,
            seeds=snakemake.params.seeds,
            stamps=Path(snakemake.input.stamps),
            splits=paths(snakemake.input.splits),
            training=snakemake.params.training,
            precision=snakemake.params.precision,
        )
