"""Table of the distances of source and target, of all pairs."""

import pandas as pd

from stampshift.evaluation.domain_shift import shift_table
from stampshift.evaluation.table_files import write_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    table = shift_table(
        pd.concat([pd.read_csv(path, keep_default_na=False) for path in snakemake.input.numbers]),
        simulated=snakemake.params.simulated,
    )
    write_table(
        table,
        csv=snakemake.output.csv,
        markdown=snakemake.output.markdown,
        latex=snakemake.output.latex,
    )
