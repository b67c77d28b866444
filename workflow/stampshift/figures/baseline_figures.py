"""Balanced accuracy of the baselines on every survey: Table 1 as a map and as bars."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stampshift.config.experiment import BASELINE
from stampshift.figures.style import (
    ACCURACY_LABEL,
    BASELINE_COLOUR,
    COLUMN_WIDTH_INCHES,
    SURVEY_COLOURS,
    accuracy_axis,
    accuracy_limits,
    finished,
    new_figure,
    styled,
)
from stampshift.tables.run_table import summarise
from stampshift.tables.writing import format_mean

CHANCE = 0.5
COLOURS = "Blues"  # even in lightness, the same to colour-blind readers
COLOUR_RANGE = (0.0, 0.6)  # black numbers can be read on all of it
GROUP_WIDTH = 0.8  # of the distance between two sources


@styled
def baseline_bars(runs: pd.DataFrame, *, surveys: Sequence[str]) -> Figure:
    """Bars of the baseline (thesis Fig. 14): a group per source, a bar per survey that it was tested on.

    A bar is the mean over splits, the line on it the sample standard deviation.
    """
    numbers = _numbers(runs, surveys)
    sources = [name for name in surveys if name in set(numbers["source"])]
    figure = new_figure(2.9, width_inches=max(COLUMN_WIDTH_INCHES, 1.2 * len(sources)))
    axes = figure.subplots()
    width = GROUP_WIDTH / len(surveys)
    for number, target in enumerate(surveys):
        tested = numbers[numbers["target"] == target]
        middle = np.array([sources.index(name) for name in tested["source"]], float)
        axes.bar(
            middle + width * (number - (len(surveys) - 1) / 2),
            tested["mean"],
            width,
            yerr=tested["std"].fillna(0),  # a single split has none
            color=SURVEY_COLOURS[number % len(SURVEY_COLOURS)],
            error_kw={"elinewidth": 0.8, "capsize": 1.5},
            label=f"on {target}",
        )
    coin = axes.axhline(CHANCE, color=BASELINE_COLOUR, linestyle=":", label="a coin")
    accuracy_axis(axes, limits=accuracy_limits(numbers["mean"] - numbers["std"].fillna(0)))
    axes.set_xticks(range(len(sources)), sources)
    axes.set(xlabel="trained on", ylabel=ACCURACY_LABEL)
    legend = [*axes.containers[1::2], coin]
    return finished(figure, "Baseline without adaptation", legend=legend)


@styled
def baseline_map(runs: pd.DataFrame, *, surveys: Sequence[str]) -> Figure:
    """Source by target map of the baseline (Table 1 of the thesis); a survey that is no source has no row."""
    numbers = _numbers(runs, surveys)
    sources, targets = (
        [name for name in surveys if name in set(numbers[role])] for role in ("source", "target")
    )
    mean, std = (
        numbers.pivot(index="source", columns="target", values=name)
        .reindex(index=sources, columns=targets)
        .to_numpy(dtype=float)
        for name in ("mean", "std")
    )
    figure = new_figure(0.9 + 0.5 * len(sources), width_inches=COLUMN_WIDTH_INCHES)
    axes = figure.subplots()
    accuracy_map(axes, mean, std, broken=True)
    axes.set_xticks(range(len(targets)), targets)
    axes.set_yticks(range(len(sources)), sources)
    axes.set(xlabel="tested on", ylabel="trained on")
    figure.suptitle("Baseline without adaptation")
    return figure


def accuracy_map(axes: Axes, mean: NDArray[np.float64], std: NDArray[np.float64], *, broken: bool) -> None:
    """Draw balanced accuracies (rows, columns) as a map with its colours' bar, each with its numbers.

    `broken` puts the spread on a line of its own.
    """
    colours = ListedColormap(colormaps[COLOURS](np.linspace(*COLOUR_RANGE, 256)))
    image = axes.imshow(mean, cmap=colours, vmin=CHANCE, vmax=1, aspect="auto")
    for row, column in np.ndindex(mean.shape):
        text = format_mean(float(mean[row, column]), float(std[row, column]))
        text = text.replace(" ±", "\n±") if broken else text
        axes.text(column, row, text, ha="center", va="center", fontsize=7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(image, ax=axes, label=ACCURACY_LABEL, extend="min")


def _numbers(runs: pd.DataFrame, surveys: Sequence[str]) -> pd.DataFrame:
    """Means of the baselines of single surveys."""
    known = (runs["method"] == BASELINE) & runs["source"].isin(list(surveys))
    return summarise(runs[known], by=("source", "target"))
