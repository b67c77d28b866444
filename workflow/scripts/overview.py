"""Table of all pairs before and after adaptation."""

from stampshift.core.joblog import job_log
from stampshift.tables.overview import overview_table
from stampshift.tables.run_table import read_runs
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = overview_table(
        read_runs(snakemake.input.runs),
        pairs=snakemake.params.pairs,
        methods=snakemake.params.methods,
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
