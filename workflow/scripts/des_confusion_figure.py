"""Confusion matrices of every model of a part of the DES study."""

from stampshift.figures.des_study.confusion import confusion_matrices
from stampshift.figures.style import save_figure
from stampshift.files import read_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    figure = confusion_matrices(
        read_table(snakemake.input.confusion),
        part=snakemake.wildcards.part,
        simulated=snakemake.params.simulated,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png])
