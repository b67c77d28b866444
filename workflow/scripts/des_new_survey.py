"""A new survey labelled by votes: the network before and after it is trained further."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.label_figures import new_survey_figure
from stampshift.des_study.models import test_predictions
from stampshift.des_study.new_survey import (
    CUTOFFS,
    TRAININGS,
    consensus_means,
    consensus_table,
    cutoff_curves,
    new_survey_numbers,
    new_survey_table,
    with_consensus,
)
from stampshift.des_study.performance import curves
from stampshift.figures.style import save_figure
from stampshift.stamps.splits import Splits
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    survey = snakemake.params.survey
    predictions = with_consensus(
        test_predictions(
            snakemake.input.predictions,
            models=TRAININGS,
            survey=survey,
            test=Splits.open(snakemake.input.splits).test,
        ),
        consensus=read_table(snakemake.input.labels),
    )
    write_table(
        new_survey_table(new_survey_numbers(predictions, cutoffs=CUTOFFS), survey=survey),
        [snakemake.output.csv, snakemake.output.markdown, snakemake.output.latex],
        simulated=snakemake.params.simulated,
    )
    write_table(
        consensus_table(consensus_means(predictions), survey=survey),
        [
            snakemake.output.consensus_csv,
            snakemake.output.consensus_markdown,
            snakemake.output.consensus_latex,
        ],
        simulated=snakemake.params.simulated,
    )
    cutoffs = cutoff_curves(predictions)
    write_csv(cutoffs, snakemake.output.cutoffs)
    figure = new_survey_figure(curves(predictions), cutoffs, survey=survey)
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
