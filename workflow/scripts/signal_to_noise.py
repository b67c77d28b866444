"""Read the signal-to-noise ratios that a survey's raw archive gives."""

from pathlib import Path

from stampshift.core.files import write_parquet
from stampshift.core.joblog import job_log
from stampshift.surveys.catalogue import SIGNAL_TO_NOISE

with job_log(snakemake.log[0]):
    paths = [Path(path) for path in snakemake.input.archive]
    write_parquet(snakemake.output[0], SIGNAL_TO_NOISE[snakemake.params.reader](paths))
