"""What corrected labels change: categories before and after, and the gain of retraining."""

from stampshift.core.joblog import job_log
from stampshift.des_study.models import read_labels, test_predictions
from stampshift.des_study.retraining import (
    gain_table,
    relabelled_categories,
    relabelled_table,
    retraining_gain,
)
from stampshift.metrics.intervals import Bootstrap
from stampshift.stamps.splits import Splits
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    labels, test = read_labels(snakemake.input.labels), Splits.open(snakemake.input.splits).test
    predictions = {
        trained: test_predictions(
            snakemake.input[trained],
            models=snakemake.params.models,
            survey=snakemake.params.survey,
            test=test,
        )
        for trained in ("old", "new")
    }
    bounds, mdr, bootstrap = (
        snakemake.params.bounds,
        snakemake.params.mdr,
        Bootstrap(**snakemake.params.bootstrap),
    )
    shares = relabelled_categories(predictions, labels=labels, bounds=bounds, mdr=mdr, bootstrap=bootstrap)
    write_table(
        relabelled_table(shares, bounds=bounds, mdr=mdr, bootstrap=bootstrap),
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
    gain = retraining_gain(predictions, labels=labels, mdr=mdr, bootstrap=bootstrap)
    write_table(
        gain_table(gain, mdr=mdr, bootstrap=bootstrap),
        [snakemake.output.gain_csv, snakemake.output.gain_markdown, snakemake.output.gain_latex],
        simulated=snakemake.params.simulated,
    )
