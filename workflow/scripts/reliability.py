"""Reliability of the scores of a pair's models, before and after temperature scaling."""

from stampshift.core.files import read_json
from stampshift.core.joblog import job_log
from stampshift.figures.score_figures import reliability_diagrams
from stampshift.figures.style import save_figure
from stampshift.metrics.calibration import add_scaled
from stampshift.tables.predictions import pool_predictions
from stampshift.tables.score_tables import calibration_numbers, calibration_table, reliability_curves
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    predictions = add_scaled(
        pool_predictions(
            snakemake.input.predictions, runs=snakemake.params.runs, surveys=snakemake.params.surveys
        ),
        records=[read_json(path) for path in snakemake.input.calibrations],
    )
    curves = reliability_curves(predictions, bins=snakemake.params.bins)
    write_csv(curves, snakemake.output.curves)
    table = calibration_table(
        calibration_numbers(predictions, bins=snakemake.params.bins),
        pair=snakemake.wildcards.pair,
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
    figure = reliability_diagrams(
        curves,
        pair=snakemake.wildcards.pair,
        methods=snakemake.params.methods,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
