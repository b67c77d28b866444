"""How well the models of a part of the DES study tell reals from bogus: tables and figures."""

import pandas as pd
from des_part import predictions_of
from des_scores import save_scores_and_learning_curves

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.part_figures import confusion_matrices, detection_figure
from stampshift.des_study.performance import confusion_table, curves, performance, performance_table
from stampshift.figures.style import save_figure
from stampshift.metrics.intervals import Bootstrap
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    part, params, output = snakemake.wildcards.part, snakemake.params, snakemake.output
    mdr, bootstrap, simulated = params.mdr, Bootstrap(**params.bootstrap), params.simulated
    predictions = predictions_of(snakemake)

    numbers = performance(predictions, mdr=mdr, bootstrap=bootstrap)
    table = performance_table(numbers, mdr=mdr, bootstrap=bootstrap, part=part)
    write_table(table, output.performance, simulated=simulated)
    write_table(confusion_table(numbers, part=part), output.confusion, simulated=simulated)
    figure = confusion_matrices(read_table(output.confusion[0]), part=part)
    save_figure(figure, output.confusion_figure, simulated=simulated)

    lines = curves(predictions)
    write_csv(lines, output.curves)
    published = next(map(pd.read_csv, snakemake.input.published), None)
    figure = detection_figure(
        lines, read_table(output.performance[0]), mdr=mdr, published=published, part=part
    )
    save_figure(figure, output.curves_figure, simulated=simulated)

    save_scores_and_learning_curves(snakemake, predictions)
