"""Download one file of a survey's archive."""

import time
from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.downloads.archive import download
from stampshift.downloads.fetch import Retries

with job_log(snakemake.log[0]):
    download(
        snakemake.params.url,
        Path(snakemake.output[0]),
        survey=snakemake.wildcards.survey,
        others=snakemake.params.urls,
        sha256=snakemake.params.sha256,
        lock=Path("resources/downloads.lock"),
        retries=Retries(without_progress=snakemake.params.tries, wait=time.sleep),
    )
