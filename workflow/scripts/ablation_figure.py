"""Differences of the variants of a method from it."""

from stampshift.evaluation.gather import read_runs
from stampshift.figures.ablations import ablation_differences
from stampshift.figures.style import save_figure
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    figure = ablation_differences(
        read_runs(snakemake.input.runs),
        names=snakemake.params.names,
        labels=snakemake.params.labels,
        reference=snakemake.params.reference,
        simulated=snakemake.params.simulated,
    )
    save_figure(figure, snakemake.output)
