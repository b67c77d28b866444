"""Split the second study's survey for cross-fitting, a split per fold."""

from stampshift.core.joblog import job_log
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import make_folds

with job_log(snakemake.log[0]):
    folds = make_folds(
        Stamps.open(snakemake.input[0]),
        folds=snakemake.params.folds,
        validation=snakemake.params.validation,
        seed=snakemake.params.seed,
    )
    for splits, path in zip(folds, snakemake.output, strict=True):
        splits.save(path)
