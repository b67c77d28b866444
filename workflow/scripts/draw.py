"""Save the figure that a rule's function draws of its inputs."""

from arguments import arguments_of, function_of

from stampshift.core.joblog import job_log
from stampshift.figures.style import save_figure

with job_log(snakemake.log[0]):
    figure = function_of(snakemake)(**arguments_of(snakemake))
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
