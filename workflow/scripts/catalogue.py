"""Read what an archive gives of its candidates beside the stamps: features, or signal-to-noise ratios."""

from pathlib import Path

from stampshift.core.files import write_parquet
from stampshift.core.joblog import job_log
from stampshift.surveys import catalogue

with job_log(snakemake.log[0]):
    columns = getattr(catalogue, snakemake.params.columns)[snakemake.params.reader]
    write_parquet(snakemake.output[0], columns([Path(path) for path in snakemake.params.archive]))
