"""What corrected labels change in the DES study: six categories, and the gain of retraining."""

from des_part import predictions_of

from stampshift.core.joblog import job_log
from stampshift.des_study.models import read_labels
from stampshift.des_study.retraining import (
    gain_table,
    relabelled_categories,
    relabelled_table,
    retraining_gain,
)
from stampshift.metrics.intervals import Bootstrap
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    params, labels = snakemake.params, read_labels(snakemake.input.labels)
    predictions = {trained: predictions_of(snakemake, trained) for trained in ("old", "new")}
    judged = {"mdr": params.mdr, "bootstrap": Bootstrap(**params.bootstrap)}
    shares = relabelled_categories(predictions, labels=labels, bounds=params.bounds, **judged)
    table = relabelled_table(shares, bounds=params.bounds, **judged)
    write_table(table, snakemake.output.relabelled, simulated=params.simulated)
    gain = retraining_gain(predictions, labels=labels, **judged)
    write_table(gain_table(gain, **judged), snakemake.output.gain, simulated=params.simulated)
