"""Make a survey's stamps file from its raw archive."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.downloads.checksums import checksums_of
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.surveys.making import make_stamps

DOWNLOADS = Path("resources/downloads.lock")

if __name__ == "__main__":  # worker processes import this file
    origin = snakemake.params.origin
    with job_log(snakemake.log[0]):
        make_stamps(
            [Path(path) for path in snakemake.params.archive],
            survey=snakemake.params.survey,
            reader=snakemake.params.reader,
            options=snakemake.params.options,
            preprocessing=Preprocessing.of_settings(snakemake.params, unlabelled=snakemake.params.unlabelled),
            processes=snakemake.threads,
            unit_minutes=snakemake.params.unit_minutes,
            origin=origin,
            tolerated=snakemake.params.tolerated,
            checksums=checksums_of(snakemake.params.survey, lock=DOWNLOADS) if "url" in origin else {},
            output=Path(snakemake.output[0]),
        )
