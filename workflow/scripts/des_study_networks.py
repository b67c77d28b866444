"""Train networks of the second study side by side."""

from pathlib import Path

from training_job import job_of, paths

from stampshift.core.joblog import job_log
from stampshift.des_study.training import train_networks

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        params = snakemake.params
        train_networks(
            job_of(snakemake),
            survey=params.survey,
            folders=params.folders,
            networks=params.networks,
            stamps=Path(snakemake.input.stamps),
            splits=paths(snakemake.input.splits),
            label_files=paths(snakemake.input.labels),
            training=params.training,
            seed=params.seed,
        )
