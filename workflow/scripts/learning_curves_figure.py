"""Learning curves of the baselines of a survey."""

import pandas as pd

from stampshift.figures.learning import learning_curves
from stampshift.figures.style import save_figure
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    figure = learning_curves(
        {
            seed: pd.read_parquet(path)
            for seed, path in zip(snakemake.params.seeds, snakemake.input.histories, strict=True)
        },
        survey=snakemake.wildcards.survey,
        simulated=snakemake.params.simulated,
    )
    save_figure(figure, snakemake.output)
