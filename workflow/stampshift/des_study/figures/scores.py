"""Histograms of the scores of all models of a part."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from stampshift.des_study.models import model_name
from stampshift.figures.scores import score_axes, score_steps
from stampshift.figures.style import PAGE_WIDTH_INCHES, styled
from stampshift.stamps.file import LABELS

COLUMNS = 2
PANEL_HEIGHT_INCHES = 1.6


@styled
def score_panels(histograms: pd.DataFrame, *, title: str) -> Figure:
    """Draw the scores of real and of bogus stamps, a panel per model, on the same axes.

    Parameters
    ----------
    histograms
        Of `scores.score_histograms`, of one survey.
    title
        What the models are.
    """
    models: Sequence[str] = [str(model) for model in dict.fromkeys(histograms["method"])]
    rows = -(-len(models) // COLUMNS)
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 0.9 + PANEL_HEIGHT_INCHES * rows), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes, model in zip(grid.flat, models, strict=False):
        score_steps(axes, histograms[histograms["method"] == model])
        axes.set_title(model_name(model))
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes in grid.flat[len(models) :]:
        axes.set_visible(False)
    score_axes(grid[0, 0], histograms)
    for axes in grid[:, 0]:
        axes.set_ylabel("test stamps")
    for axes in grid.flat[max(0, len(models) - COLUMNS) : len(models)]:
        axes.set_xlabel("score, P(real)")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(LABELS))
    figure.suptitle(title)
    return figure
