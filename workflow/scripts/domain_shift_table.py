"""Table of the distances between source and target in feature space, of all pairs."""

from stampshift.core.joblog import job_log
from stampshift.tables.domain_shift import read_shift, shift_table
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = shift_table(read_shift(snakemake.input.numbers))
    write_table(table, snakemake.output, simulated=snakemake.params.simulated)
