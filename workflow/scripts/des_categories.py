"""Six categories by label and probability, for every model of a part of the DES study."""

from stampshift.core.joblog import job_log
from stampshift.des_study.categories import category_shares, category_table
from stampshift.des_study.models import test_predictions
from stampshift.stamps.splits import Splits
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    predictions = test_predictions(
        snakemake.input.predictions,
        models=snakemake.params.models,
        survey=snakemake.params.survey,
        test=Splits.open(snakemake.input.splits).test,
    )
    bounds = snakemake.params.bounds
    table = category_table(
        category_shares(predictions, bounds=bounds),
        bounds=bounds,
        part=snakemake.wildcards.part,
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
