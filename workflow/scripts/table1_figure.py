"""Figure of every baseline on every survey."""

from stampshift.core.joblog import job_log
from stampshift.figures.accuracy_figures import baseline_map
from stampshift.figures.style import save_figure
from stampshift.tables.run_table import read_runs

with job_log(snakemake.log[0]):
    figure = baseline_map(
        read_runs(snakemake.input.runs),
        surveys=snakemake.params.surveys,
    )
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
