"""Boxplots of one pair by number of shots."""

from stampshift.evaluation.gather import read_runs
from stampshift.figures.pairs import pair_boxplots
from stampshift.figures.style import save_figure
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    figure = pair_boxplots(
        read_runs(snakemake.input.runs),
        pair=snakemake.wildcards.pair,
        methods=snakemake.params.methods,
        simulated=snakemake.params.simulated,
    )
    save_figure(figure, snakemake.output)
