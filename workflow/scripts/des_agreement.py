"""Where the models of a part of the DES study put the stamps whose label one of them contradicts."""

from stampshift.core.joblog import job_log
from stampshift.des_study.categories import agreement_table, category_agreement
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
    bounds, reference = snakemake.params.bounds, snakemake.params.reference
    table = agreement_table(
        category_agreement(predictions, reference=reference, bounds=bounds),
        reference=reference,
        bounds=bounds,
        part=snakemake.wildcards.part,
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
