"""Split the stamps of a new survey that people have labelled."""

from pathlib import Path

from stampshift.joblog import job_log
from stampshift.label_file import split_labelled
from stampshift.stamps import Stamps

with job_log(snakemake.log[0]):
    split_labelled(
        Stamps.open(snakemake.input.stamps),
        Path(snakemake.input.labels),
        fractions=snakemake.params.fractions,
        seed=snakemake.params.seed,
    ).save(snakemake.output[0])
