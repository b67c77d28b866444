"""Search of the entropy weight of one pair."""

from stampshift.core.files import read_json
from stampshift.core.joblog import job_log
from stampshift.figures.entropy_weight import lambda_curves
from stampshift.figures.style import save_figure

with job_log(snakemake.log[0]):
    figure = lambda_curves(
        read_json(snakemake.input.search),
    )
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
