"""Figure of our numbers beside the published ones."""

from stampshift.figures.beside_published import beside_published
from stampshift.figures.style import save_figure
from stampshift.files import read_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    figure = beside_published(read_table(snakemake.input.numbers))
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png])
