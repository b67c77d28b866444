"""Gather the metrics of every run into one long table."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.tables.run_table import gather
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    write_csv(gather(Path(path).parent for path in snakemake.input), snakemake.output[0])
