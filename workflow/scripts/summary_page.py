"""One page with the headline table, the panel and the verdicts."""

from pathlib import Path

import pandas as pd

from stampshift.core.files import atomic_path, read_table
from stampshift.core.joblog import job_log
from stampshift.core.provenance import versions
from stampshift.tables.generalist import generalist_tables
from stampshift.tables.generalist_claims import generalist_claims_table
from stampshift.tables.overview import summary_page
from stampshift.tables.run_table import read_runs
from stampshift.tables.survey_counts import mismatches

with job_log(snakemake.log[0]):
    methods = snakemake.params.methods
    several = list(map(read_table, snakemake.input.several))  # none without sources of several surveys
    page = summary_page(
        read_runs(snakemake.input.runs),
        read_table(snakemake.input.comparisons),
        warnings=mismatches(read_table(snakemake.input.data)),
        published=pd.read_csv(snakemake.input.published),
        panel=Path(snakemake.input.panel).read_bytes(),
        template=Path(snakemake.input.template).read_text(encoding="utf-8"),
        pairs=snakemake.params.pairs,
        methods=methods,
        several=[generalist_claims_table(compared, methods=methods) for compared in several],
        answers=[
            answer
            for compared in several
            for answer in zip(
                generalist_tables(compared, methods=methods).items(),
                [Path(path).read_bytes() for path in snakemake.input.answers],
                strict=True,
            )
        ],
        simulated=snakemake.params.simulated,
        versions=versions(),
    )
    with atomic_path(snakemake.output[0]) as temporary:
        temporary.write_text(page, encoding="utf-8")
