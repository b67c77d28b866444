"""Split a survey at random, once per seed: all stamps, or those that a labels file holds."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.stamps.file import Stamps
from stampshift.stamps.label_file import split_labelled

with job_log(snakemake.log[0]):
    params, labels = snakemake.params, next(map(Path, snakemake.input[1:]), None)
    stamps = Stamps.open(snakemake.input[0], unlabelled=labels is not None)
    for seed, path in zip(params.seeds, snakemake.output, strict=True):
        split_labelled(
            stamps,
            labels,
            fractions=params.fractions,
            seed=seed,
            grouped=params.grouped,
            stratified=params.stratified,
        ).save(path)
