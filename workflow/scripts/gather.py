"""Gather the metrics of every run into one long table."""

from stampshift.evaluation.gather import gather, write_runs
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    write_runs(gather(snakemake.input), snakemake.output[0])
