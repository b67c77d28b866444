"""Correct labels by a review, a relabelled table, or the truth of planted flips."""

from pathlib import Path

from stampshift.core.files import write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.relabelling import corrected_labels
from stampshift.stamps.autoscan import PLANTED
from stampshift.stamps.file import Stamps

with job_log(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    labels = corrected_labels(
        Stamps.open(files.stamps),
        origin=params.origin,
        path=params.path,
        candidates=next(iter(files.candidates), None),
        least_decided=params.least_decided,
        planted=next((Path(folder) / PLANTED for folder in files.planted), None),
        classes=params.classes,
        results=str(Path(files.stamps).parent),
    )
    write_parquet(snakemake.output[0], labels)
