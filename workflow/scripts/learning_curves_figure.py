"""Learning curves of the baselines of a survey."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.figures.style import save_figure
from stampshift.figures.training_figures import learning_curves

with job_log(snakemake.log[0]):
    figure = learning_curves(
        {
            seed: read_table(path)
            for seed, path in zip(snakemake.params.seeds, snakemake.input.histories, strict=True)
        },
        survey=snakemake.wildcards.survey,
    )
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
