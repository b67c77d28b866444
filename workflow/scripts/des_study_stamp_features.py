"""Measure features on the stamps of a survey's raw archive."""

from pathlib import Path

from stampshift.core.files import write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.measuring import measure_archive
from stampshift.stamps.raw_triplets import InvalidPixels

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        table = measure_archive(
            [Path(path) for path in snakemake.params.archive],
            survey=snakemake.params.survey,
            reader=snakemake.params.reader,
            options=snakemake.params.options,
            invalid=InvalidPixels(**snakemake.params.invalid),
            processes=snakemake.threads,
        )
        write_parquet(snakemake.output[0], table)
