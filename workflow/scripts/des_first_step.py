"""The first step of relabelling in the DES study: models trained on old labels, by corrected ones."""

from des_part import predictions_of

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.categories import category_table, sampled_shares
from stampshift.des_study.first_step import (
    first_step_table,
    relabelled_test_part,
    retested,
    retested_table,
)
from stampshift.des_study.models import CORRECTED, judged_by, read_labels
from stampshift.des_study.part_figures import retested_figure
from stampshift.des_study.performance import curves, performance
from stampshift.figures.style import save_figure
from stampshift.metrics.intervals import Bootstrap
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    simulated, bounds = params.simulated, params.bounds
    judged = {"mdr": params.mdr, "bootstrap": Bootstrap(**params.bootstrap)}
    predictions, labels = predictions_of(snakemake), read_labels(files.labels)
    counts = relabelled_test_part(predictions, labels=labels)
    write_table(first_step_table(counts), output.counts, simulated=simulated)

    corrected = judged_by(predictions, labels=labels, column=CORRECTED)
    numbers = retested(read_table(files.performance), performance(corrected, **judged))
    write_table(retested_table(numbers, **judged), output.retested, simulated=simulated)
    title = "Test stamps of the first part, by corrected labels, of models trained on old ones,"
    shares = sampled_shares(corrected, bounds=bounds)
    table = category_table(shares, bounds=bounds, title=title, label="first-corrected")
    write_table(table, output.categories, simulated=simulated)

    lines = retested(read_table(files.curves), curves(corrected))
    write_csv(lines, output.curves)
    save_figure(retested_figure(lines, mdr=params.mdr), output.figure, simulated=simulated)
