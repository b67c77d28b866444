"""Performance and confusion of every model of a part of the DES study."""

from stampshift.core.joblog import job_log
from stampshift.des_study.models import test_predictions
from stampshift.des_study.performance import confusion_table, performance, performance_table
from stampshift.metrics.intervals import Bootstrap
from stampshift.stamps.splits import Splits
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    part = snakemake.wildcards.part
    mdr, bootstrap = snakemake.params.mdr, Bootstrap(**snakemake.params.bootstrap)
    predictions = test_predictions(
        snakemake.input.predictions,
        models=snakemake.params.models,
        survey=snakemake.params.survey,
        test=Splits.open(snakemake.input.splits).test,
    )
    numbers = performance(predictions, mdr=mdr, bootstrap=bootstrap)
    write_table(
        performance_table(numbers, mdr=mdr, bootstrap=bootstrap, part=part),
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
    write_table(
        confusion_table(numbers, part=part),
        [
            snakemake.output.confusion_csv,
            snakemake.output.confusion_markdown,
            snakemake.output.confusion_latex,
        ],
        simulated=snakemake.params.simulated,
    )
