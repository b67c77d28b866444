"""Label a new survey's candidates by majority vote."""

from pathlib import Path

from stampshift.core.files import write_json, write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.voted_labels import agreement_numbers, voted_labels
from stampshift.review.votes import read_votes
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    stamps = Stamps.open(snakemake.input.stamps)
    votes = read_votes(Path(snakemake.input.votes), stamps)
    margin = snakemake.params.margin
    write_parquet(snakemake.output.labels, voted_labels(stamps, votes, margin=margin))
    write_json(snakemake.output.agreement, agreement_numbers(stamps, votes, margin=margin))
