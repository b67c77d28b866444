"""Scores and learning curves, which a part of the DES study and its new survey have alike."""

from typing import Any

import pandas as pd

from stampshift.core.files import read_table
from stampshift.des_study.learning_figures import network_learning_curves
from stampshift.des_study.part_figures import score_panels
from stampshift.figures.style import save_figure
from stampshift.tables.score_tables import score_histograms
from stampshift.tables.writing import write_csv


def save_scores_and_learning_curves(snakemake: Any, predictions: pd.DataFrame) -> None:
    """Write histograms of scores, and draw these and the histories of the networks."""
    params, output = snakemake.params, snakemake.output
    histograms = score_histograms(predictions, bins=params.bins)
    write_csv(histograms, output.scores)
    figure = score_panels(histograms, title=params.scores_title, cutoff=params.cutoff)
    save_figure(figure, output.scores_figure, simulated=params.simulated)
    histories = zip(params.networks, map(read_table, snakemake.input.histories), strict=True)
    figure = network_learning_curves(dict(histories), title=params.learning_title)
    save_figure(figure, output.learning_figure, simulated=params.simulated)
