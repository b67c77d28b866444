"""Find the stamps that may be mislabelled."""

import pandas as pd

from stampshift.core.files import read_table, write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.categories import find_candidates
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    predictions = pd.concat(map(read_table, snakemake.input.predictions), ignore_index=True)
    stamps, bounds = Stamps.open(snakemake.input.stamps), snakemake.params.bounds
    write_parquet(snakemake.output[0], find_candidates(stamps, predictions, bounds=bounds))
