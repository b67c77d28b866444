"""Figure of our numbers beside the published ones."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.figures.change_figures import beside_published
from stampshift.figures.style import save_figure

with job_log(snakemake.log[0]):
    figure = beside_published(read_table(snakemake.input.numbers))
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
