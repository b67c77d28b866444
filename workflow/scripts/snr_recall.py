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
    pair, params = snakemake.wildcards.pair, snakemake.params
    recalls = snr_recalls(
        pool_predictions(snakemake.input.predictions, runs=params.runs, surveys=params.surveys),
        stamps=dict(zip(params.measured, map(Stamps.open, snakemake.input.stamps), strict=True)),
        ratios=dict(zip(params.measured, map(read_table, snakemake.input.ratios), strict=True)),
        bins=params.bins,
        confidence=params.confidence,
    )
    table = snr_recall_table(recalls, pair=pair, confidence=params.confidence)
    write_table(table, snakemake.output.table, simulated=params.simulated)
    figure = snr_recall_figure(recalls, pair=pair, methods=params.methods)
    save_figure(figure, snakemake.output.figure, simulated=params.simulated)
