"""Learning curves of the baselines of a survey."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.figures.style import save_figure
from stampshift.figures.training_figures import learning_curves

with job_log(snakemake.log[0]):
    histories = zip(snakemake.params.seeds, map(read_table, snakemake.input.histories), strict=True)
    figure = learning_curves(dict(histories), survey=snakemake.wildcards.source)
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
