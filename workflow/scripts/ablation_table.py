"""Table of the variants of a method."""

from stampshift.evaluation.ablations import ablation_table
from stampshift.evaluation.gather import read_runs
from stampshift.evaluation.table_files import write_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    table = ablation_table(
        read_runs(snakemake.input.runs),
        names=snakemake.params.names,
        labels=snakemake.params.labels,
        reference=snakemake.params.reference,
        simulated=snakemake.params.simulated,
    )
    write_table(
        table,
        csv=snakemake.output.csv,
        markdown=snakemake.output.markdown,
        latex=snakemake.output.latex,
    )
