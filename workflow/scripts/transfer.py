"""Score a target's test parts with the baselines of a source."""

from pathlib import Path

from training_job import job_of, paths

from stampshift.core.joblog import job_log
from stampshift.training.jobs import transfer_baselines

with job_log(snakemake.log[0]):
    transfer_baselines(
        job_of(snakemake),
        source=snakemake.wildcards.source,
        target=snakemake.wildcards.target,
        seeds=snakemake.params.seeds,
        stamps=Path(snakemake.input.stamps),
        splits=paths(snakemake.input.splits),
        models=paths(snakemake.input.models),
        metrics=paths(snakemake.input.metrics),
    )
