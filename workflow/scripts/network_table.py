"""Table of the networks' layers."""

from stampshift.core.joblog import job_log
from stampshift.networks.layers import network_layers
from stampshift.tables.overview import network_table
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    write_table(
        network_table(
            network_layers(size_pixels=snakemake.params.size_pixels), size_pixels=snakemake.params.size_pixels
        ),
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
