"""Correct labels by a review, a relabelled table, or the truth of planted flips."""

from pathlib import Path

from stampshift.core.files import write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.relabelling import Sources, corrected_labels
from stampshift.stamps.autoscan import PLANTED
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    sources = Sources(
        path=params.path,
        candidates=next(iter(files.candidates), None),
        truth=next((Path(folder) / PLANTED for folder in files.planted), None),
        classes=params.classes,
        results=str(Path(files.stamps).parent),
    )
    labels = corrected_labels(Stamps.open(files.stamps), origin=params.origin, sources=sources)
    write_parquet(snakemake.output[0], labels)
