"""Train the baselines of a source."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.training.jobs import Job, train_baselines

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        train_baselines(
            Job(
                results=Path(snakemake.params.results),
                device=snakemake.config["execution"]["device"],
                threads=snakemake.threads,
                checkpoint_epochs=snakemake.config["execution"]["checkpoint_epochs"],
                log_file=Path(snakemake.log[0]),
            ),
            source=snakemake.wildcards.source,
            seeds=snakemake.params.seeds,
            stamps=Path(snakemake.input.stamps),
            splits=[Path(path) for path in snakemake.input.splits],
            training=snakemake.params.training,
        )
