"""Boxplots of one pair by number of shots."""

from stampshift.core.joblog import job_log
from stampshift.figures.accuracy_figures import pair_boxplots
from stampshift.figures.style import save_figure
from stampshift.tables.run_table import read_runs

with job_log(snakemake.log[0]):
    figure = pair_boxplots(
        read_runs(snakemake.input.runs),
        pair=snakemake.wildcards.pair,
        methods=snakemake.params.methods,
    )
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
