"""Train a network of the second study, on one split or on each fold of the search."""

from pathlib import Path

from training_job import job_of, paths

from stampshift.core.joblog import job_log
from stampshift.des_study.training import train_networks

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        files, params = snakemake.input, snakemake.params
        train_networks(
            job_of(snakemake),
            survey=params.survey,
            folders=params.folders,
            network=params.network,
            stamps=Path(files.stamps),
            splits=paths(files.splits),
            labels=next(map(Path, files.labels), None),
            training=params.training,
            precision=params.precision,
            seed=params.seed,
        )
