"""Gallery of the worst errors of a model on a survey."""

from stampshift.core.joblog import job_log
from stampshift.figures.stamp_figures import error_gallery
from stampshift.figures.style import save_figure
from stampshift.stamps.file import Stamps
from stampshift.tables.predictions import pool_predictions
from stampshift.tables.recall_tables import worst_errors
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    stamps = Stamps.open(snakemake.input.stamps)
    errors = worst_errors(
        pool_predictions(
            snakemake.input.predictions, runs=snakemake.params.runs, surveys=snakemake.params.surveys
        ),
        stamps=stamps,
        per_kind=snakemake.params.per_kind,
    )
    write_csv(errors, snakemake.output.csv)
    figure = error_gallery(
        errors,
        stamps,
        per_kind=snakemake.params.per_kind,
        model=snakemake.params.model,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
