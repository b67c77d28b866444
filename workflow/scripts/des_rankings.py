"""Candidates of the DES study by agreement of networks, against one network alone, on planted flips."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.label_figures import ranking_figure
from stampshift.des_study.models import read_labels
from stampshift.des_study.rankings import (
    agreeing_numbers,
    agreeing_table,
    ranked_queues,
    ranking_numbers,
    ranking_table,
)
from stampshift.figures.style import save_figure
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    output, params = snakemake.output, snakemake.params
    simulated = params.simulated
    candidates, labels = read_table(snakemake.input.candidates), read_labels(snakemake.input.labels)
    queues = ranked_queues(candidates, labels=labels)
    write_csv(queues, output.queues)
    write_table(ranking_table(ranking_numbers(queues)), output.table, simulated=simulated)
    agreeing = agreeing_numbers(candidates, labels=labels)
    write_table(agreeing_table(agreeing, networks=params.networks), output.agreeing, simulated=simulated)
    save_figure(ranking_figure(queues), output.figure, simulated=simulated)
