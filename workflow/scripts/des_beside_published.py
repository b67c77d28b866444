"""Table of our numbers of the DES study beside the published ones."""

import pandas as pd

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.models import read_labels
from stampshift.des_study.published import beside_published, ours
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    files = snakemake.input
    parts = ("first", "first corrected", "second")
    values = ours(
        performance={part: read_table(files[part]) for part in ("first", "second")},
        categories=dict(zip(parts, map(read_table, files.categories), strict=True)),
        first_step=read_table(files.first_step),
        labels=read_labels(files.labels),
        new_survey=list(map(read_table, files.new_survey)),
    )
    table = beside_published(values, published=pd.read_csv(snakemake.input.published))
    write_table(table, snakemake.output, simulated=snakemake.params.simulated)
