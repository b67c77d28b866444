"""Train a network of the second study further, on a new survey labelled by votes."""

from pathlib import Path

from training_job import job_of

from stampshift.core.joblog import job_log
from stampshift.des_study.training import train_further

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        files, params = snakemake.input, snakemake.params
        train_further(
            job_of(snakemake),
            survey=params.survey,
            before=params.before,
            after=params.after,
            stamps=Path(files.stamps),
            splits=Path(files.splits),
            labels=Path(files.labels),
            model=Path(files.model),
            training=params.training,
            precision=params.precision,
            seed=params.seed,
        )
