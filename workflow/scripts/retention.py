"""Source accuracy lost against target accuracy won, of all pairs."""

from stampshift.core.joblog import job_log
from stampshift.figures.change_figures import retention_figure
from stampshift.figures.style import save_figure
from stampshift.tables.change_tables import retention
from stampshift.tables.run_table import read_runs
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    changes = retention(
        read_runs(snakemake.input.runs),
        pairs=snakemake.params.pairs,
        methods=snakemake.params.methods,
    )
    write_csv(changes, snakemake.output.csv)
    figure = retention_figure(
        changes,
        surveys=snakemake.params.surveys,
        methods=snakemake.params.methods,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
