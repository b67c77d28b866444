"""Table of what networks cost and what their baselines reach."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.networks.layers import flop_per_stamp
from stampshift.tables.capacity import NEEDED, capacity_table
from stampshift.tables.writing import write_table
from stampshift.training.run_folder import read_metrics

with job_log(snakemake.log[0]):
    size_pixels = snakemake.params.size_pixels
    table = capacity_table(
        [
            read_metrics(Path(path).parent, needed=(*NEEDED, "source", "evaluation"))
            for path in snakemake.input
        ],
        flop_per_stamp={
            name: flop_per_stamp(name, size_pixels=size_pixels) for name in snakemake.params.networks
        },
        size_pixels=size_pixels,
    )
    write_table(table, snakemake.output, simulated=snakemake.params.simulated)
