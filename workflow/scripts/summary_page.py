"""One page with the headline table, the panel and the verdicts."""

from pathlib import Path

import pandas as pd

from stampshift.core.files import atomic_path, read_table
from stampshift.core.joblog import job_log
from stampshift.core.provenance import versions
from stampshift.tables.overview import summary_page
from stampshift.tables.run_table import read_runs
from stampshift.tables.survey_counts import mismatches

with job_log(snakemake.log[0]):
    page = summary_page(
        read_runs(snakemake.input.runs),
        read_table(snakemake.input.comparisons),
        warnings=mismatches(read_table(snakemake.input.data)),
        published=pd.read_csv(snakemake.input.published),
        panel=Path(snakemake.input.panel).read_bytes(),
        template=Path(snakemake.input.template).read_text(encoding="utf-8"),
        pairs=snakemake.params.pairs,
        methods=snakemake.params.methods,
        simulated=snakemake.params.simulated,
        versions=versions(),
    )
    with atomic_path(snakemake.output[0]) as temporary:
        temporary.write_text(page, encoding="utf-8")
