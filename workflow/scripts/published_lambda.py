"""Take the published entropy weight of a source-target pair."""

from stampshift.core.files import write_json
from stampshift.core.joblog import job_log
from stampshift.training.lambda_search import published_record

with job_log(snakemake.log[0]):
    write_json(
        snakemake.output[0],
        published_record(snakemake.wildcards.source, snakemake.wildcards.target, table=snakemake.input[0]),
    )
