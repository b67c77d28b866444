"""Recall by signal-to-noise ratio of the models of a pair."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.figures.recall_figures import snr_recall_figure
from stampshift.figures.style import save_figure
from stampshift.stamps.file import Stamps
from stampshift.tables.predictions import pool_predictions
from stampshift.tables.recall_tables import snr_recall_table, snr_recalls
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    measured = snakemake.params.measured
    recalls = snr_recalls(
        pool_predictions(
            snakemake.input.predictions, runs=snakemake.params.runs, surveys=snakemake.params.surveys
        ),
        stamps=dict(zip(measured, map(Stamps.open, snakemake.input.stamps), strict=True)),
        ratios=dict(zip(measured, map(read_table, snakemake.input.ratios), strict=True)),
        bins=snakemake.params.bins,
        confidence=snakemake.params.confidence,
    )
    table = snr_recall_table(
        recalls,
        pair=snakemake.wildcards.pair,
        confidence=snakemake.params.confidence,
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
    figure = snr_recall_figure(
        recalls,
        pair=snakemake.wildcards.pair,
        methods=snakemake.params.methods,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
