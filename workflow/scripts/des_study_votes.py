"""Gather the votes on a new survey's candidates, and label these by majority."""

from pathlib import Path

from stampshift.core.files import atomic_path, write_json, write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.voted_labels import agreement_numbers, cast_votes, voted_labels
from stampshift.review.votes import Rule
from stampshift.simulation import TRUTH
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    stamps = Stamps.open(snakemake.input.stamps, unlabelled=True)
    rule = Rule(**params.rule)
    votes = cast_votes(
        stamps,
        votes=params.votes,
        truth=next((Path(folder) / TRUTH for folder in snakemake.input.truth), None),
        classes=params.classes,
        stamps_file=snakemake.input.stamps,
    )
    with atomic_path(output.votes) as temporary:
        votes.to_csv(temporary, index=False)
    write_parquet(output.labels, voted_labels(stamps, votes, rule=rule))
    write_json(output.agreement, agreement_numbers(stamps, votes, rule=rule))
