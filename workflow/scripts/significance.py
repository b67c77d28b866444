"""Every comparison, and the tables of decisions that rest on them."""

import pandas as pd

from stampshift.core.joblog import job_log
from stampshift.tables.claims import claims_table
from stampshift.tables.decisions import shots_to_beat_table, winner_table
from stampshift.tables.gather import read_runs
from stampshift.tables.significance import paired_comparisons, published_comparisons
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    pairs, methods = snakemake.params.pairs, snakemake.params.methods
    simulated = snakemake.params.simulated
    compared = paired_comparisons(read_runs(snakemake.input.runs), pairs=pairs, methods=methods)
    published = published_comparisons(pd.read_csv(snakemake.input.published), pairs=pairs, methods=methods)
    write_csv(compared, snakemake.output.comparisons)
    claims = claims_table(compared, published=published, pairs=pairs, simulated=simulated)
    shots_to_beat = shots_to_beat_table(compared, pairs=pairs, methods=methods, simulated=simulated)
    winner = winner_table(compared, pairs=pairs, simulated=simulated)
    for table, (csv, markdown, latex) in (
        (claims, snakemake.output.claims),
        (shots_to_beat, snakemake.output.shots_to_beat),
        (winner, snakemake.output.winner),
    ):
        write_table(table, csv=csv, markdown=markdown, latex=latex)
