"""Table of our numbers beside the published ones."""

import pandas as pd

from stampshift.evaluation.gather import read_runs
from stampshift.evaluation.published import beside_published_table
from stampshift.evaluation.table_files import write_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    table = beside_published_table(
        read_runs(snakemake.input.runs), published=pd.read_csv(snakemake.input.published)
    )
    write_table(
        table,
        csv=snakemake.output.csv,
        markdown=snakemake.output.markdown,
        latex=snakemake.output.latex,
    )
