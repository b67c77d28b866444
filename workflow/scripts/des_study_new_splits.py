"""Split the stamps of a new survey that people have labelled."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.stamps.file import Stamps
from stampshift.stamps.label_file import split_labelled

with job_log(snakemake.log[0]):
    split_labelled(
        Stamps.open(snakemake.input.stamps),
        Path(snakemake.input.labels),
        fractions=snakemake.params.fractions,
        seed=snakemake.params.seed,
    ).save(snakemake.output[0])
