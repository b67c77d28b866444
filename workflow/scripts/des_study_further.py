"""Train a network of the second study further on a new survey's labels."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.des_study.training import train_further
from stampshift.training.jobs import Job

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        train_further(
            Job(
                results=Path(snakemake.params.results),
                device=snakemake.config["execution"]["device"],
                threads=snakemake.threads,
                checkpoint_epochs=snakemake.config["execution"]["checkpoint_epochs"],
                log_file=Path(snakemake.log[0]),
            ),
            survey=snakemake.params.survey,
            before=snakemake.params.before,
            after=snakemake.params.after,
            stamps=Path(snakemake.input.stamps),
            splits=Path(snakemake.input.splits),
            labels=Path(snakemake.input.labels),
            model=Path(snakemake.input.model),
            training=snakemake.params.training,
            seed=snakemake.params.seed,
        )
