"""Draw a survey's raw archive with the built-in simulator."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.simulation import read_constants, simulate_survey

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        simulate_survey(
            snakemake.wildcards.survey,
            stamps=int(snakemake.wildcards.size),
            seed=int(snakemake.wildcards.seed),
            constants=read_constants(snakemake.wildcards.survey, Path(snakemake.input.constants)),
            folder=Path(snakemake.output[0]),
            processes=snakemake.threads,
            flipped=snakemake.params.flipped,
            flipped_by=snakemake.wildcards.get("by", "cause"),
            hdus=snakemake.params.hdus,
            packets=snakemake.params.packets,
        )
