"""Table of the entropy weight chosen for every pair."""

import pandas as pd

from stampshift.core.files import read_json
from stampshift.core.joblog import job_log
from stampshift.tables.balanced_accuracy import lambda_table
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    published = pd.read_csv(snakemake.input.published)
    table = lambda_table(list(map(read_json, snakemake.input.searches)), published=published)
    write_table(table, snakemake.output, simulated=snakemake.params.simulated)
