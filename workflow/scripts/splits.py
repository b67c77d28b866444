"""Split a survey at random, once per seed."""

from stampshift.core.joblog import job_log
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import make_splits

with job_log(snakemake.log[0]):
    stamps = Stamps.open(snakemake.input[0])
    for seed, path in zip(snakemake.params.seeds, snakemake.output, strict=True):
        make_splits(stamps, fractions=snakemake.params.fractions, seed=seed).save(path)
