"""Table of the variants of a method."""

from stampshift.core.joblog import job_log
from stampshift.tables.change_tables import ablation_table
from stampshift.tables.run_table import read_runs
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = ablation_table(
        read_runs(snakemake.input.runs),
        names=snakemake.params.names,
        variant_names=snakemake.params.variant_names,
        reference=snakemake.params.reference,
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
