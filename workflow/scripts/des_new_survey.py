"""A new survey labelled by votes: the network before and after it is trained further."""

from des_part import predictions_of
from des_scores import save_scores_and_learning_curves

from stampshift.core.files import read_json, read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.candidate_scores import operating_numbers, operating_table
from stampshift.des_study.label_figures import new_survey_figure
from stampshift.des_study.new_survey import (
    consensus_means,
    consensus_table,
    cutoff_curves,
    new_survey_numbers,
    new_survey_table,
    unanimity,
    unanimity_table,
    with_consensus,
)
from stampshift.des_study.performance import curves
from stampshift.figures.style import save_figure
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    survey, simulated = params.survey, params.simulated
    scored = predictions_of(snakemake)

    labelled = read_table(snakemake.input.labels)
    predictions = with_consensus(scored, consensus=labelled)
    numbers = new_survey_numbers(predictions)
    write_table(new_survey_table(numbers, survey=survey), output.table, simulated=simulated)
    means = consensus_means(predictions)
    write_table(consensus_table(means, survey=survey), output.consensus, simulated=simulated)
    judged = read_json(snakemake.input.agreement)["judged"]
    agreed = unanimity_table(unanimity(labelled, judged=judged), survey=survey)
    write_table(agreed, output.unanimity, simulated=simulated)
    scores = read_table(snakemake.input.scores)
    operating = operating_numbers(scores, cutoff=scores["cutoff"].iloc[0], confidence=params.confidence)
    table = operating_table(operating, survey=survey, mdr=params.mdr, confidence=params.confidence)
    write_table(table, output.operating, simulated=simulated)
    cutoffs = cutoff_curves(predictions)
    write_csv(cutoffs, output.cutoffs)
    figure = new_survey_figure(curves(predictions), cutoffs, survey=survey)
    save_figure(figure, output.figure, simulated=simulated)

    save_scores_and_learning_curves(snakemake, scored)
