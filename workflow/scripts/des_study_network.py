"""Train a network of the second study."""

from pathlib import Path

from training_job import job_of

from stampshift.core.joblog import job_log
from stampshift.des_study.training import train_network

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    train_network(
        job_of(snakemake),
        survey=params.survey,
        folder=params.folder,
        network=params.network,
        stamps=Path(files.stamps),
        splits=Path(files.splits),
        labels=next(map(Path, files.labels), None),
        training=params.training,
        precision=params.precision,
        seed=params.seed,
    )
