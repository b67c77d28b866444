"""Six categories of the test stamps of a part of the DES study: shares, and agreement of the models."""

from des_part import predictions_of

from stampshift.core.joblog import job_log
from stampshift.des_study.categories import (
    agreement_table,
    category_agreement,
    category_shares,
    category_table,
)
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    params, output, part = snakemake.params, snakemake.output, snakemake.wildcards.part
    bounds, reference, simulated = params.bounds, params.reference, params.simulated
    predictions = predictions_of(snakemake)

    table = category_table(category_shares(predictions, bounds=bounds), bounds=bounds, part=part)
    write_table(table, output.categories, simulated=simulated)
    if output.agreement:
        agreement = category_agreement(predictions, reference=reference, bounds=bounds)
        table = agreement_table(agreement, reference=reference, bounds=bounds, part=part)
        write_table(table, output.agreement, simulated=simulated)
