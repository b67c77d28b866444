"""One pair: histograms of the scores of real and of bogus stamps."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from stampshift.config.experiment import Pair
from stampshift.figures.style import LABEL_COLOURS, PAGE_WIDTH_INCHES, styled
from stampshift.metrics.metrics import THRESHOLD
from stampshift.stamps.file import LABELS
from stampshift.tables.predictions import models, of_model
from stampshift.tables.wording import pair_title, trained_name

PANEL_HEIGHT_INCHES = 1.45
TINY_COUNT = 1e-6


@styled
def score_figure(histograms: pd.DataFrame, *, pair: str) -> Figure:
    """Draw the scores of a pair's models, a row per model, on the target and on the source.

    Parameters
    ----------
    histograms
        Of `score_histograms`, for the two surveys of the pair.
    pair
        ``"<source>-to-<target>"``.
    """
    names = Pair.parse(pair)
    rows = models(histograms)
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 0.9 + PANEL_HEIGHT_INCHES * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), 2, sharex=True, sharey=True, squeeze=False)
    for row, (method, shots) in enumerate(rows):
        for column, (role, survey) in enumerate((("target", names.target), ("source", names.source))):
            chosen = of_model(histograms, survey=survey, method=method, shots=shots)
            score_steps(grid[row, column], chosen)
            grid[row, column].set_title(f"{trained_name(method, shots)}, on the {role}, {survey}")
        grid[row, 0].set_ylabel("stamps per split")
    score_axes(grid[0, 0], histograms)
    for axes in grid[-1]:
        axes.set_xlabel("score, P(real)")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(LABELS))
    figure.suptitle(pair_title(pair))
    return figure


def score_axes(axes: Axes, histograms: pd.DataFrame) -> None:
    """Give axes that all panels share: scores from 0 to 1, and a logarithmic count."""
    lowest = 0.5 / histograms["splits"].max()  # half of one stamp in all splits
    axes.set(xlim=(0, 1), yscale="log", ylim=(lowest, 2 * histograms["count"].max()))
    axes.yaxis.set_minor_locator(NullLocator())


def score_steps(axes: Axes, rows: pd.DataFrame) -> None:
    """Outline both labels' counts of `score_histograms`; what the model calls real is right of the line."""
    for name, code in LABELS.items():
        of_label = rows[rows["label"] == code]
        edges = np.append(of_label["low"], 1.0)
        # a logarithm has no zero: an empty bin ends far below the axis
        style: dict[str, Any] = {"color": LABEL_COLOURS[name], "baseline": TINY_COUNT}
        counts = of_label["count"].clip(lower=TINY_COUNT)
        axes.stairs(counts, edges, label=name, linewidth=1.2, **style)
        axes.stairs(counts, edges, fill=True, alpha=0.15, **style)
    axes.axvline(THRESHOLD, color="black", linewidth=0.5, linestyle=":")
    axes.grid(axis="y")
