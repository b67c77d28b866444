"""Table of our numbers of the DES study beside the published ones."""

import pandas as pd

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.models import read_labels
from stampshift.des_study.published import beside_published, ours
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    values = ours(
        read_table(snakemake.input.first),
        read_table(snakemake.input.second),
        categories=read_table(snakemake.input.categories),
        labels=read_labels(snakemake.input.labels),
        new_survey=list(map(read_table, snakemake.input.new_survey)),
    )
    table = beside_published(values, published=pd.read_csv(snakemake.input.published))
    write_table(table, snakemake.output, simulated=snakemake.params.simulated)
