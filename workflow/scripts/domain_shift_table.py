"""Table of the distances of source and target, of all pairs."""

from stampshift.evaluation.domain_shift import read_shift, shift_table
from stampshift.evaluation.table_files import write_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    table = shift_table(
        read_shift(snakemake.input.numbers),
        simulated=snakemake.params.simulated,
    )
    write_table(
        table,
        csv=snakemake.output.csv,
        markdown=snakemake.output.markdown,
        latex=snakemake.output.latex,
    )
