"""Split the second study's survey for cross-fitting, a split per fold."""

from stampshift.core.joblog import job_log
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import make_folds

with job_log(snakemake.log[0]):
    stamps, params = Stamps.open(snakemake.input[0]), snakemake.params
    folds = make_folds(stamps, folds=params.folds, validation=params.validation, seed=params.seed)
    for splits, path in zip(folds, snakemake.output, strict=True):
        splits.save(path)
