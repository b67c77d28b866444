"""Where the models of a part of the DES study put the stamps whose label one of them contradicts."""

from des_part import predictions_of

from stampshift.core.joblog import job_log
from stampshift.des_study.categories import agreement_table, category_agreement
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    params = snakemake.params
    predictions = predictions_of(snakemake)
    bounds, reference = params.bounds, params.reference
    agreement = category_agreement(predictions, reference=reference, bounds=bounds)
    table = agreement_table(agreement, reference=reference, bounds=bounds, part=snakemake.wildcards.part)
    write_table(table, snakemake.output, simulated=params.simulated)
