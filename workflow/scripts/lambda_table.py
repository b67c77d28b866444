"""Table of the entropy weights chosen."""

import pandas as pd

from stampshift.core.files import read_json
from stampshift.core.joblog import job_log
from stampshift.tables.balanced_accuracy import lambda_table
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = lambda_table(
        [read_json(path) for path in snakemake.input.searches],
        published=pd.read_csv(snakemake.input.published),
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
