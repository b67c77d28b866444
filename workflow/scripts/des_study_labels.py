"""Correct labels by a review, a relabelled table, or the truth of planted flips."""

from pathlib import Path

from stampshift.core.files import write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.relabelling import Sources, corrected_labels
from stampshift.stamps.autoscan import PLANTED
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    sources = Sources(
        path=snakemake.params.path,
        candidates=next(iter(snakemake.input.candidates), None),
        truth=next((Path(folder) / PLANTED for folder in snakemake.input.planted), None),
        classes=snakemake.params.classes,
        results=str(Path(snakemake.input.stamps).parent),
    )
    labels = corrected_labels(
        Stamps.open(snakemake.input.stamps), origin=snakemake.params.origin, sources=sources
    )
    write_parquet(snakemake.output[0], labels)
