"""Balanced accuracy of every baseline on every survey, as a map of colours and numbers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stampshift.config.experiment import BASELINE
from stampshift.figures.style import ACCURACY_LABEL, COLUMN_WIDTH_INCHES, styled
from stampshift.tables.run_table import summarise
from stampshift.tables.writing import format_mean

CHANCE = 0.5
COLOURS = "cividis"  # even in lightness, the same to colour-blind readers
DARK = 0.72  # balanced accuracy below which white text has the better contrast


@styled
def baseline_map(runs: pd.DataFrame, *, surveys: Sequence[str]) -> Figure:
    """Source by target map of the baseline (Table 1 of the thesis).

    Parameters
    ----------
    runs
        The long table of runs.
    surveys
        Order of rows (sources) and columns (targets); a survey that is no source has no row.
    """
    numbers = summarise(runs[runs["method"] == BASELINE], by=("source", "target"))
    sources = [name for name in surveys if name in set(numbers["source"])]
    targets = [name for name in surveys if name in set(numbers["target"])]
    mean, std = (
        numbers.pivot(index="source", columns="target", values=name)
        .reindex(index=sources, columns=targets)
        .to_numpy(dtype=float)
        for name in ("mean", "std")
    )
    figure = Figure(figsize=(COLUMN_WIDTH_INCHES, 0.9 + 0.5 * len(sources)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(mean, cmap=COLOURS, vmin=CHANCE, vmax=1, aspect="auto")
    for row, column in np.ndindex(mean.shape):
        dark = mean[row, column] < DARK
        text = format_mean(float(mean[row, column]), float(std[row, column])).replace(" ±", "\n±")
        axes.text(column, row, text, ha="center", va="center", color="white" if dark else "black", fontsize=7)
    axes.set_xticks(range(len(targets)), targets)
    axes.set_yticks(range(len(sources)), sources)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="tested on", ylabel="trained on")
    figure.colorbar(image, ax=axes, label=ACCURACY_LABEL, extend="min")
    figure.suptitle("Baseline without adaptation")
    return figure
