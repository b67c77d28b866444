"""Scores of real and of bogus stamps, for models of the DES study."""

from stampshift.core.joblog import job_log
from stampshift.des_study.models import test_predictions
from stampshift.des_study.part_figures import score_panels
from stampshift.figures.style import save_figure
from stampshift.stamps.splits import Splits
from stampshift.tables.score_tables import score_histograms
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    predictions = test_predictions(
        snakemake.input.predictions,
        models=snakemake.params.models,
        survey=snakemake.params.survey,
        test=Splits.open(snakemake.input.splits).test,
    )
    histograms = score_histograms(predictions, bins=snakemake.params.bins)
    write_csv(histograms, snakemake.output.csv)
    figure = score_panels(histograms, title=snakemake.params.title)
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
