"""Find the stamps that may be mislabelled."""

import pandas as pd

from stampshift.core.files import read_table, write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.candidates import find_candidates
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    predictions = {
        network: pd.concat(map(read_table, files[network]), ignore_index=True) for network in params.networks
    }
    stamps = Stamps.open(files.stamps)
    found = find_candidates(stamps, predictions, network=params.network, bounds=params.bounds)
    write_parquet(snakemake.output[0], found)
