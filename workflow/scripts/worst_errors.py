"""Gallery of the worst errors of a model on a survey."""

from stampshift.core.joblog import job_log
from stampshift.figures.stamp_figures import error_gallery
from stampshift.figures.style import save_figure
from stampshift.stamps.file import Stamps
from stampshift.tables.predictions import pool_predictions
from stampshift.tables.recall_tables import worst_errors
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    params, stamps = snakemake.params, Stamps.verified(snakemake.input.stamps)
    predictions = pool_predictions(snakemake.input.predictions, runs=params.runs, surveys=params.surveys)
    errors = worst_errors(predictions, stamps=stamps, per_kind=params.per_kind)
    write_csv(errors, snakemake.output.numbers)
    figure = error_gallery(errors, stamps, per_kind=params.per_kind, model=params.model)
    save_figure(figure, snakemake.output.figure, simulated=params.simulated)
