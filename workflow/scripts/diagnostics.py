"""Everything that is asked of a pair's models, from their predictions: tables and figures."""

from stampshift.core.files import read_json, read_table
from stampshift.core.joblog import job_log
from stampshift.figures.recall_figures import class_recall_figure
from stampshift.figures.score_figures import detection_curves, reliability_diagrams, score_figure
from stampshift.figures.shift_figures import embedding_figure
from stampshift.figures.style import save_figure
from stampshift.metrics.calibration import add_scaled
from stampshift.stamps.file import Stamps
from stampshift.tables.domain_shift import embedding, shift_numbers
from stampshift.tables.predictions import pool_predictions
from stampshift.tables.recall_tables import class_recall_table, class_recalls
from stampshift.tables.score_tables import (
    calibration_numbers,
    calibration_table,
    mean_curves,
    operating_point_table,
    operating_points,
    reliability_curves,
    score_histograms,
)
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    pair, params, output = snakemake.wildcards.pair, snakemake.params, snakemake.output
    surveys, methods, simulated = params.surveys, params.methods, params.simulated

    pooled = pool_predictions(snakemake.input.few_and_many, runs=params.few_and_many, surveys=surveys)
    curves = mean_curves(pooled)
    write_csv(curves, output.curves)
    points = operating_points(pooled, **params.operating_points)
    write_table(operating_point_table(points, pair=pair), output.points, simulated=simulated)
    shown = {"pair": pair, "methods": methods, "operating_points": params.operating_points}
    figure = detection_curves(curves, points, **shown)
    save_figure(figure, output.curves_figure, simulated=simulated)

    predictions = pool_predictions(snakemake.input.many, runs=params.many, surveys=surveys)
    histograms = score_histograms(predictions, bins=params.score_bins)
    write_csv(histograms, output.scores)
    save_figure(score_figure(histograms, pair=pair), output.scores_figure, simulated=simulated)

    scaled = add_scaled(predictions, records=map(read_json, snakemake.input.calibrations))
    reliability = reliability_curves(scaled, bins=params.bins)
    write_csv(reliability, output.reliability)
    calibration = calibration_numbers(scaled, bins=params.bins)
    write_table(calibration_table(calibration, pair=pair), output.calibration, simulated=simulated)
    figure = reliability_diagrams(reliability, pair=pair, methods=methods)
    save_figure(figure, output.reliability_figure, simulated=simulated)

    stamps = dict(zip(surveys, map(Stamps.open, snakemake.input.stamps), strict=True))
    recalls = class_recalls(predictions, stamps=stamps, confidence=params.confidence)
    table = class_recall_table(recalls, pair=pair, confidence=params.confidence)
    write_table(table, output.classes, simulated=simulated)
    figure = class_recall_figure(recalls, pair=pair, methods=methods)
    save_figure(figure, output.classes_figure, simulated=simulated)

    features = read_table(snakemake.input.features)
    write_csv(shift_numbers(features, pair=pair), output.shift)
    axes = embedding(features)
    write_csv(axes, output.embedding)
    save_figure(embedding_figure(axes, pair=pair), output.embedding_figure, simulated=simulated)
