"""Table of our numbers beside the published ones."""

import pandas as pd

from stampshift.core.joblog import job_log
from stampshift.tables.beside_published import beside_published_table
from stampshift.tables.run_table import read_runs
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = beside_published_table(
        read_runs(snakemake.input.runs), published=pd.read_csv(snakemake.input.published)
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
