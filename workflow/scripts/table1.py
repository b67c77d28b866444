"""Table of every baseline on every survey."""

import pandas as pd

from stampshift.core.joblog import job_log
from stampshift.tables.balanced_accuracy import baseline_table
from stampshift.tables.run_table import read_runs
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = baseline_table(
        read_runs(snakemake.input.runs),
        surveys=snakemake.params.surveys,
        published=pd.read_csv(snakemake.input.published),
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
