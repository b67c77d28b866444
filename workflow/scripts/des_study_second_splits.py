"""Split the second study's survey again, for the trainings after relabelling."""

from stampshift.core.joblog import job_log
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Splits, make_second_splits

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    stamps = Stamps.open(files.stamps)
    make_second_splits(
        stamps,
        fractions=params.fractions["second"],
        seed=params.seed,
        first=Splits.of(stamps, files.first),
        first_fractions=params.fractions["first"],
    ).save(snakemake.output[0])
