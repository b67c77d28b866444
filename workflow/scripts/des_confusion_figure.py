"""Confusion matrices of every model of a part of the DES study."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.part_figures import confusion_matrices
from stampshift.figures.style import save_figure

with job_log(snakemake.log[0]):
    figure = confusion_matrices(
        read_table(snakemake.input.confusion),
        part=snakemake.wildcards.part,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
