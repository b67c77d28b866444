"""Make a survey's stamps file from its raw archive."""

from pathlib import Path

from stampshift.joblog import job_log
from stampshift.making import make_stamps
from stampshift.preprocess import InvalidPixels

if __name__ == "__main__":  # worker processes import this file
    with job_log(snakemake.log[0]):
        make_stamps(
            [Path(path) for path in snakemake.input.archive],
            survey=snakemake.params.survey,
            reader=snakemake.params.reader,
            classes=snakemake.params.classes,
            invalid=InvalidPixels(**snakemake.params.invalid),
            size_pixels=snakemake.params.size_pixels,
            normalisation=snakemake.params.normalisation,
            processes=snakemake.threads,
            origin=snakemake.params.origin,
            output=Path(snakemake.output[0]),
            progress=True,
        )
