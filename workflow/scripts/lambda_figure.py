"""Search of the entropy weight of one pair."""

from stampshift.core.files import read_json
from stampshift.core.joblog import job_log
from stampshift.figures.style import save_figure
from stampshift.figures.training_figures import lambda_curves

with job_log(snakemake.log[0]):
    figure = lambda_curves(
        read_json(snakemake.input.search),
    )
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
