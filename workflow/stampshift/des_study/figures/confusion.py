"""Confusion matrices of all models of a part."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stampshift.des_study.models import model_name
from stampshift.des_study.performance import CONFUSION
from stampshift.figures.style import PAGE_WIDTH_INCHES, styled
from stampshift.stamps.file import LABELS

COLUMNS = 3
PANEL_HEIGHT_INCHES = 1.9
DARK_PERCENT = 50  # from here on, light text


@styled
def confusion_matrices(shares: pd.DataFrame, *, part: str) -> Figure:
    """Draw a matrix per model: rows are labels, columns calls; percent of the row, and counts.

    Parameters
    ----------
    shares
        Of `performance.confusion_shares`.
    part
        ``first`` or ``second``.
    """
    models = list(dict.fromkeys(shares["model"]))
    rows = -(-len(models) // COLUMNS)
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 0.4 + PANEL_HEIGHT_INCHES * rows), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes, model in zip(grid.flat, models, strict=False):
        _matrix(axes, shares[shares["model"] == model].set_index("call"))
        axes.set_title(model_name(model))
    for axes in grid.flat[len(models) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("label")
    for axes in grid.flat[max(0, len(models) - COLUMNS) : len(models)]:
        axes.set_xlabel("called")
    figure.suptitle(f"DES study, {part} part")
    return figure


def _matrix(axes: Axes, lines: pd.DataFrame) -> None:
    percent = lines.loc[list(CONFUSION), "percent"].to_numpy().reshape(2, 2)
    counts = lines.loc[list(CONFUSION), "stamps"].to_numpy().reshape(2, 2)
    axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (row, column), share in np.ndenumerate(percent):
        colour = "white" if share > DARK_PERCENT else "black"
        text = f"{share:.1f}%\n{counts[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks([0, 1], list(LABELS))
    axes.set_yticks([0, 1], list(LABELS), rotation=90, va="center")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
