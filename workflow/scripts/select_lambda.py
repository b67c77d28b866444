"""Search the entropy weight of a source-target pair."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.training.jobs import Job, search_entropy_weight

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        search_entropy_weight(
            Job(
                results=Path(snakemake.params.results),
                device=snakemake.config["execution"]["device"],
                threads=snakemake.threads,
                checkpoint_epochs=snakemake.config["execution"]["checkpoint_epochs"],
                log_file=Path(snakemake.log[0]),
            ),
            name=snakemake.params.name,
            method="mme",
            source=snakemake.wildcards.source,
            target=snakemake.wildcards.target,
            shots=snakemake.params.shots,
            stamps=(Path(snakemake.input.source_stamps), Path(snakemake.input.target_stamps)),
            splits=tuple(Path(path) for path in snakemake.input.splits),
            baseline=Path(snakemake.input.baseline),
            options=snakemake.params.options,
            search=snakemake.params.search,
            training=snakemake.params.training,
            validation_shots=snakemake.params.validation_shots,
            output=Path(snakemake.output[0]),
        )
