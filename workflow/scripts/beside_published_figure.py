"""Figure of our numbers beside the published ones."""

import pandas as pd

from stampshift.figures.beside_published import beside_published
from stampshift.figures.style import save_figure
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    figure = beside_published(pd.read_csv(snakemake.input.numbers))
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png])
