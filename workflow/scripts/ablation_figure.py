"""Differences of the variants of a method from it."""

from stampshift.core.joblog import job_log
from stampshift.figures.change_figures import ablation_differences
from stampshift.figures.style import save_figure
from stampshift.tables.run_table import read_runs

with job_log(snakemake.log[0]):
    figure = ablation_differences(
        read_runs(snakemake.input.runs),
        names=snakemake.params.names,
        variant_names=snakemake.params.variant_names,
        reference=snakemake.params.reference,
    )
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
