"""Gather the metrics of every run into one long table."""

from stampshift.evaluation.gather import gather
from stampshift.evaluation.table_files import write_csv
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    write_csv(gather(snakemake.input), snakemake.output[0])
