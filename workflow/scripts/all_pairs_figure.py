"""All pairs by number of shots in one panel."""

from stampshift.evaluation.gather import read_runs
from stampshift.figures.panel import all_pairs
from stampshift.figures.style import save_figure
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    figure = all_pairs(
        read_runs(snakemake.input.runs),
        surveys=snakemake.params.surveys,
        methods=snakemake.params.methods,
        simulated=snakemake.params.simulated,
    )
    save_figure(figure, snakemake.output)
