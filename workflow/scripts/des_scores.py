"""Scores of real and of bogus stamps, for models of the DES study."""

from stampshift.evaluation.des_study.models import test_predictions
from stampshift.evaluation.scores import score_histograms
from stampshift.evaluation.table_files import write_csv
from stampshift.figures.des_study.scores import score_panels
from stampshift.figures.style import save_figure
from stampshift.joblog import job_log
from stampshift.splits import Splits

with job_log(snakemake.log[0]):
    predictions = test_predictions(
        snakemake.input.predictions,
        models=snakemake.params.models,
        survey=snakemake.params.survey,
        test=Splits.open(snakemake.input.splits).test,
    )
    histograms = score_histograms(predictions, bins=snakemake.params.bins)
    write_csv(histograms, snakemake.output.csv)
    figure = score_panels(histograms, title=snakemake.params.title, simulated=snakemake.params.simulated)
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png])
