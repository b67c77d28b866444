"""Table of the layers of the networks."""

from stampshift.core.joblog import job_log
from stampshift.networks.layers import network_layers
from stampshift.tables.overview import network_table
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    size_pixels = snakemake.params.size_pixels
    layers = network_layers(snakemake.params.network, size_pixels=size_pixels)
    table = network_table(layers, size_pixels=size_pixels)
    write_table(table, snakemake.output, simulated=snakemake.params.simulated)
