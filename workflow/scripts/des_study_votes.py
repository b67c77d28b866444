"""Gather the votes on a new survey's candidates."""

from stampshift.core.files import atomic_path
from stampshift.core.joblog import job_log
from stampshift.des_study.voted_labels import cast_votes
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    votes = cast_votes(Stamps.open(snakemake.input.stamps), votes=snakemake.params.votes)
    with atomic_path(snakemake.output[0]) as temporary:
        votes.to_csv(temporary, index=False)
