"""Every comparison, and the tables of decisions that rest on them."""

import pandas as pd

from stampshift.core.joblog import job_log
from stampshift.tables.claims import claims_table
from stampshift.tables.decisions import shots_to_beat_table, winner_table
from stampshift.tables.run_table import read_runs
from stampshift.tables.significance import paired_comparisons, published_comparisons
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    pairs, methods = snakemake.params.pairs, snakemake.params.methods
    compared = paired_comparisons(read_runs(snakemake.input.runs), pairs=pairs, methods=methods)
    means = map(pd.read_csv, snakemake.input.published)  # none where the surveys are simulated
    published = (published_comparisons(table, pairs=pairs, methods=methods) for table in means)
    write_csv(compared, snakemake.output.comparisons)
    for table, paths in (
        (claims_table(compared, published=next(published, None), pairs=pairs), snakemake.output.claims),
        (shots_to_beat_table(compared, pairs=pairs, methods=methods), snakemake.output.shots_to_beat),
        (winner_table(compared, pairs=pairs), snakemake.output.winner),
    ):
        write_table(table, paths, simulated=snakemake.params.simulated)
