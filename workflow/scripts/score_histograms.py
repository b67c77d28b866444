"""Scores of real and of bogus stamps, for the models of a pair."""

from stampshift.core.joblog import job_log
from stampshift.figures.score_figures import score_figure
from stampshift.figures.style import save_figure
from stampshift.tables.predictions import pool_predictions
from stampshift.tables.score_tables import score_histograms
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    predictions = pool_predictions(
        snakemake.input, runs=snakemake.params.runs, surveys=snakemake.params.surveys
    )
    histograms = score_histograms(predictions, bins=snakemake.params.bins)
    write_csv(histograms, snakemake.output.csv)
    figure = score_figure(histograms, pair=snakemake.wildcards.pair)
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
