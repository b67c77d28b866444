"""Tables 26 and 27 of the thesis as printed, and as its means give them under our rule."""

import pandas as pd

from stampshift.core.joblog import job_log
from stampshift.tables.beside_published import published_decisions_table
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    table = published_decisions_table(
        pd.read_csv(snakemake.input.means),
        shots_to_beat=pd.read_csv(snakemake.input.shots_to_beat),
        winner=pd.read_csv(snakemake.input.winner),
    )
    write_table(
        table,
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
