"""What the scripts of the DES study's results share."""

from typing import Any

import pandas as pd

from stampshift.core.files import read_table
from stampshift.des_study.models import test_predictions
from stampshift.des_study.part_figures import network_learning_curves, score_panels
from stampshift.figures.style import save_figure
from stampshift.stamps.splits import Splits
from stampshift.tables.score_tables import score_histograms
from stampshift.tables.writing import write_csv


def predictions_of(snakemake: Any, files: str = "predictions") -> pd.DataFrame:
    """Predictions of the test part, of all models of a rule."""
    params, test = snakemake.params, Splits.open(snakemake.input.splits).test
    return test_predictions(snakemake.input[files], models=params.models, survey=params.survey, test=test)


def save_scores_and_learning_curves(snakemake: Any, predictions: pd.DataFrame) -> None:
    """Write histograms of scores, and draw these and the histories of the networks."""
    params, output = snakemake.params, snakemake.output
    histograms = score_histograms(predictions, bins=params.bins)
    write_csv(histograms, output.scores)
    figure = score_panels(histograms, title=params.scores_title)
    save_figure(figure, output.scores_figure, simulated=params.simulated)
    histories = zip(params.networks, map(read_table, snakemake.input.histories), strict=True)
    figure = network_learning_curves(dict(histories), title=params.learning_title)
    save_figure(figure, output.learning_figure, simulated=params.simulated)
