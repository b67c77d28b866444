"""Score a target's test parts with the baselines of a source."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.training.jobs import Job, transfer_baselines

with job_log(snakemake.log[0]):
    transfer_baselines(
        Job(
            results=Path(snakemake.params.results),
            device=snakemake.config["execution"]["device"],
            threads=snakemake.threads,
            checkpoint_epochs=snakemake.config["execution"]["checkpoint_epochs"],
            log_file=Path(snakemake.log[0]),
        ),
        source=snakemake.wildcards.source,
        target=snakemake.wildcards.target,
        seeds=snakemake.params.seeds,
        stamps=Path(snakemake.input.stamps),
        splits=[Path(path) for path in snakemake.input.splits],
        models=[Path(path) for path in snakemake.input.models],
        metrics=[Path(path) for path in snakemake.input.metrics],
    )
