"""Learning curves of networks of the DES study."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.part_figures import network_learning_curves
from stampshift.figures.style import save_figure

with job_log(snakemake.log[0]):
    histories = map(read_table, snakemake.input.histories)
    figure = network_learning_curves(
        dict(zip(snakemake.params.networks, histories, strict=True)),
        title=snakemake.params.title,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
