"""Table of one pair by number of shots."""

import pandas as pd

from stampshift.core.joblog import job_log
from stampshift.tables.balanced_accuracy import pair_table
from stampshift.tables.run_table import read_runs
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = pair_table(
        read_runs(snakemake.input.runs),
        pair=snakemake.wildcards.pair,
        methods=snakemake.params.methods,
        published=pd.read_csv(snakemake.input.published),
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
