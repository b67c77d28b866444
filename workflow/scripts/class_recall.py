"""Recall by class of the models of a pair."""

from stampshift.core.joblog import job_log
from stampshift.figures.recall_figures import class_recall_figure
from stampshift.figures.style import save_figure
from stampshift.stamps.file import Stamps
from stampshift.tables.predictions import pool_predictions
from stampshift.tables.recall_tables import class_recall_table, class_recalls
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    surveys = snakemake.params.surveys
    recalls = class_recalls(
        pool_predictions(snakemake.input.predictions, runs=snakemake.params.runs, surveys=surveys),
        stamps=dict(zip(surveys, map(Stamps.open, snakemake.input.stamps), strict=True)),
        confidence=snakemake.params.confidence,
    )
    table = class_recall_table(
        recalls,
        pair=snakemake.wildcards.pair,
        confidence=snakemake.params.confidence,
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
    figure = class_recall_figure(
        recalls,
        pair=snakemake.wildcards.pair,
        methods=snakemake.params.methods,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
