"""Examples of every class of a survey."""

from stampshift.core.joblog import job_log
from stampshift.figures.stamp_figures import class_examples
from stampshift.figures.style import save_figure
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    figure = class_examples(
        Stamps.open(snakemake.input.stamps),
        per_class=snakemake.params.per_class,
    )
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
