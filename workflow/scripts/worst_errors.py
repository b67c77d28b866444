"""Gallery of the worst errors of a model on a survey."""

from stampshift.evaluation.predictions import pool_predictions
from stampshift.evaluation.table_files import write_csv
from stampshift.evaluation.worst import worst_errors
from stampshift.figures.style import save_figure
from stampshift.figures.worst import error_gallery
from stampshift.joblog import job_log
from stampshift.stamps import Stamps

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
        simulated=snakemake.params.simulated,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png])
