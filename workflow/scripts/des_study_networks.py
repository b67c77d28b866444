"""Train networks of the second study side by side."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.des_study.training import train_networks
from stampshift.training.jobs import Job

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        train_networks(
            Job(
                results=Path(snakemake.params.results),
                device=snakemake.config["execution"]["device"],
                threads=snakemake.threads,
                checkpoint_epochs=snakemake.config["execution"]["checkpoint_epochs"],
                log_file=Path(snakemake.log[0]),
            ),
            survey=snakemake.params.survey,
            folders=snakemake.params.folders,
            networks=snakemake.params.networks,
            stamps=Path(snakemake.input.stamps),
            splits=[Path(path) for path in snakemake.input.splits],
            label_files=[Path(path) for path in snakemake.input.labels],
            training=snakemake.params.training,
            seed=snakemake.params.seed,
        )
