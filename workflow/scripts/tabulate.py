"""Write the table that a rule's function makes of its inputs."""

from arguments import arguments_of, function_of

from stampshift.core.joblog import job_log
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = function_of(snakemake)(**arguments_of(snakemake))
    write_table(table, snakemake.output, simulated=snakemake.params.simulated)
