"""Table of the networks' layers."""

from stampshift.evaluation.network_table import network_table
from stampshift.evaluation.table_files import write_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    write_table(
        network_table(size_pixels=snakemake.params.size_pixels),
        csv=snakemake.output.csv,
        markdown=snakemake.output.markdown,
        latex=snakemake.output.latex,
    )
