"""Source accuracy lost against target accuracy won, of all pairs."""

from stampshift.core.joblog import job_log
from stampshift.figures.change_figures import retention_figure
from stampshift.figures.style import save_figure
from stampshift.tables.change_tables import retention
from stampshift.tables.run_table import read_runs
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    params = snakemake.params
    changes = retention(read_runs(snakemake.input.runs), pairs=params.pairs, methods=params.methods)
    write_csv(changes, snakemake.output.numbers)
    figure = retention_figure(changes, methods=params.methods)
    save_figure(figure, snakemake.output.figure, simulated=params.simulated)
