"""All pairs by number of shots in one panel."""

from stampshift.core.joblog import job_log
from stampshift.figures.accuracy_figures import all_pairs
from stampshift.figures.style import save_figure
from stampshift.tables.run_table import read_runs

with job_log(snakemake.log[0]):
    figure = all_pairs(
        read_runs(snakemake.input.runs),
        surveys=snakemake.params.surveys,
        methods=snakemake.params.methods,
    )
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
