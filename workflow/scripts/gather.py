"""Gather the metrics of every run into one long table."""

from stampshift.core.joblog import job_log
from stampshift.tables.run_table import gather
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    write_csv(gather(snakemake.input), snakemake.output[0])
