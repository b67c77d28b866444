"""Sources of several surveys: every comparison, the claims on them, and a table for each question."""

from stampshift.core.joblog import job_log
from stampshift.tables.generalist import generalist_comparisons, generalist_tables
from stampshift.tables.generalist_claims import generalist_claims_table
from stampshift.tables.run_table import read_runs
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    runs = read_runs(snakemake.input.runs)
    compared = generalist_comparisons(runs, sources=params.sources, methods=params.methods)
    write_csv(compared, output.comparisons)
    claims = generalist_claims_table(compared, methods=params.methods)
    answers = generalist_tables(compared, methods=params.methods).values()
    places = (output.claims, output.specialists, output.new, output.adapted, output.kept)
    for table, paths in zip((claims, *answers), places, strict=True):
        write_table(table, paths, simulated=params.simulated)
