"""Detection curves and operating points of a pair."""

from stampshift.core.joblog import job_log
from stampshift.figures.score_figures import detection_curves
from stampshift.figures.style import save_figure
from stampshift.tables.predictions import pool_predictions
from stampshift.tables.score_tables import mean_curves, operating_point_table, operating_points
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    predictions = pool_predictions(
        snakemake.input, runs=snakemake.params.runs, surveys=snakemake.params.surveys
    )
    curves = mean_curves(predictions)
    write_csv(curves, snakemake.output.curves)
    table = operating_point_table(
        operating_points(predictions, **snakemake.params.operating_points),
        pair=snakemake.wildcards.pair,
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
    figure = detection_curves(
        curves,
        pair=snakemake.wildcards.pair,
        methods=snakemake.params.methods,
        operating_points=snakemake.params.operating_points,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
