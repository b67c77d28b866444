"""Six categories by label and probability, for every model of a part of the DES study."""

from des_part import predictions_of

from stampshift.core.joblog import job_log
from stampshift.des_study.categories import category_shares, category_table
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    params = snakemake.params
    predictions = predictions_of(snakemake)
    shares = category_shares(predictions, bounds=params.bounds)
    table = category_table(shares, bounds=params.bounds, part=snakemake.wildcards.part)
    write_table(table, snakemake.output, simulated=params.simulated)
