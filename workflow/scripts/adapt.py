"""Adapt the baselines of a source to a target with one method and one number of shots."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.training.jobs import Job, adapt

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        adapt(
            Job(
                results=Path(snakemake.params.results),
                device=snakemake.config["execution"]["device"],
                threads=snakemake.threads,
                checkpoint_epochs=snakemake.config["execution"]["checkpoint_epochs"],
                log_file=Path(snakemake.log[0]),
            ),
            name=snakemake.wildcards.method,
            method=snakemake.params.method,
            source=snakemake.wildcards.source,
            target=snakemake.wildcards.target,
            shots=int(snakemake.wildcards.shots),
            seeds=snakemake.params.seeds,
            stamps=(Path(snakemake.input.source_stamps), Path(snakemake.input.target_stamps)),
            splits=[
                (Path(source), Path(target))
                for source, target in zip(
                    snakemake.input.source_splits, snakemake.input.target_splits, strict=True
                )
            ],
            baselines=[Path(path) for path in snakemake.input.baselines],
            options=snakemake.params.options,
            entropy_weight_files=[Path(path) for path in snakemake.input.entropy_weight],
            training=snakemake.params.training,
            validation_shots=snakemake.params.validation_shots,
        )
