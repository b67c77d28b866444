"""What became of the triplets of every survey, with a warning where published counts differ."""

import logging

import pandas as pd

from stampshift.core.joblog import job_log
from stampshift.core.printing import echo
from stampshift.stamps.file import read_attributes
from stampshift.tables.survey_counts import data_table, mismatches
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    stamps = dict(zip(snakemake.params.surveys, snakemake.input.stamps, strict=True))
    table = data_table(
        {survey: read_attributes(path) for survey, path in stamps.items()},
        published=pd.read_csv(snakemake.input.published),
    )
    for sentence in mismatches(table.numbers):
        logging.warning(sentence)
        echo(f"Warning: {sentence}", err=True)
    write_table(table, snakemake.output, simulated=snakemake.params.simulated)
