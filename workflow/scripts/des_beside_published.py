"""Table of our numbers of the DES study beside the published ones."""

import pandas as pd

from stampshift.evaluation.des_study.models import read_labels
from stampshift.evaluation.des_study.published import beside_published, ours
from stampshift.evaluation.table_files import write_table
from stampshift.files import read_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    values = ours(
        read_table(snakemake.input.first),
        read_table(snakemake.input.second),
        categories=read_table(snakemake.input.categories),
        labels=read_labels(snakemake.input.labels),
        candidates=read_table(snakemake.input.candidates),
        new_survey=list(map(read_table, snakemake.input.new_survey)),
    )
    write_table(
        beside_published(values, published=pd.read_csv(snakemake.input.published)),
        csv=snakemake.output.csv,
        markdown=snakemake.output.markdown,
        latex=snakemake.output.latex,
    )
