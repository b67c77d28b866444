"""Six categories of the test stamps of a part of the DES study: shares, and agreement of the models."""

from des_part import predictions_of

from stampshift.core.joblog import job_log
from stampshift.des_study.categories import category_tables
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    params, output, part = snakemake.params, snakemake.output, snakemake.wildcards.part
    tables = category_tables(
        predictions_of(snakemake), reference=params.reference, bounds=params.bounds, part=part
    )
    # one model has nothing to agree with, and the rule then names no file of it
    for table, paths in zip(tables, (output.categories, output.agreement), strict=False):
        write_table(table, paths, simulated=params.simulated)
