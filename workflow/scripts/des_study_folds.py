"""Split the second study's survey for cross-fitting, a split per fold."""

from stampshift.joblog import job_log
from stampshift.splits import make_folds
from stampshift.stamps import Stamps

with job_log(snakemake.log[0]):
    folds = make_folds(
        Stamps.open(snakemake.input[0]),
        folds=snakemake.params.folds,
        validation=snakemake.params.validation,
        seed=snakemake.params.seed,
    )
    for splits, path in zip(folds, snakemake.output, strict=True):
        splits.save(path)
