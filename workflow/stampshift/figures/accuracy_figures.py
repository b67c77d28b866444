"""Balanced accuracy of one pair by shots, and of all pairs in one panel."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from stampshift.config.experiment import BASELINE, Pair
from stampshift.figures.style import (
    ACCURACY_LABEL,
    BASELINE_COLOUR,
    PAGE_WIDTH_INCHES,
    accuracy_axis,
    accuracy_limits,
    finished,
    method_colour,
    new_figure,
    styled,
    target_and_source,
)
from stampshift.tables.run_table import select_pair, summarise
from stampshift.tables.wording import method_name, pair_title
from stampshift.tables.writing import format_mean

GROUP_WIDTH = 0.8  # of the distance between two numbers of shots
BOX_ALPHA = 0.6
FEWEST_OF_A_BOX = 5  # splits; the quartiles of fewer are hardly more than the splits themselves
BOXED: Mapping[str, Any] = {"marker": ".", "color": "black", "markersize": 2, "alpha": 0.6, "zorder": 3}
UNBOXED: Mapping[str, Any] = {"marker": "o", "markersize": 3.5, "markeredgewidth": 0, "alpha": 0.7}
MEAN_MARKER: Mapping[str, Any] = {
    "marker": "D",
    "markersize": 2.5,
    "markerfacecolor": "white",
    "markeredgecolor": "black",
    "markeredgewidth": 0.7,
}
PANEL_INCHES = (PAGE_WIDTH_INCHES / 4, 1.55)
LEGEND_WIDTH_INCHES = 5.2
DODGE = 0.12  # keeps the error bars of two methods apart
PANEL_STYLES: Mapping[str, Mapping[str, Any]] = {
    "target": {"linestyle": "-", "marker": "o"},
    "source": {"linestyle": ":", "marker": "s", "markerfacecolor": "white"},
}
BASELINE_STYLES: Mapping[str, Mapping[str, Any]] = {
    "target": {"linestyle": "--"},
    "source": {"linestyle": ":"},
}


@styled
def pair_boxplots(runs: pd.DataFrame, *, pair: str, methods: Sequence[str]) -> Figure:
    """Boxplots of one pair by shots, on the target and on the source (thesis Figs 21-32).

    A box is the quartiles over splits with the median, its whiskers reach to 1.5 interquartile
    ranges, every split is a dot, a diamond is the mean; fewer than five splits have no box. The dashed line
    is the mean of the baseline without adaptation on the same survey. The axis starts at 0.4, as for every
    pair, or lower where any of the runs, of this pair or of more, is lower.
    """
    (_, target), (_, source) = panels = target_and_source(pair)
    chosen = select_pair(runs, source=source, target=target, methods=methods)
    figure = new_figure(2.9)
    for axes, (role, survey) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
        _boxes(axes, chosen[chosen["evaluated_on"] == survey], methods=methods)
        accuracy_axis(axes, limits=accuracy_limits(runs["balanced_accuracy"]))
        axes.set(title=f"on the {role}, {survey}", xlabel=f"labelled {target} stamps per class")
    figure.axes[0].set_ylabel(ACCURACY_LABEL)
    boxes = [
        Patch(facecolor=(method_colour(name, methods), BOX_ALPHA), label=method_name(name))
        for name in methods
    ]
    mean = Line2D([], [], **MEAN_MARKER, linestyle="none", label="mean over splits")
    baseline = Line2D([], [], color=BASELINE_COLOUR, linestyle="--", label="baseline, mean over splits")
    return finished(figure, pair_title(pair), legend=[*boxes, mean, baseline])


@styled
def all_pairs(runs: pd.DataFrame, *, surveys: Sequence[str], methods: Sequence[str]) -> Figure:
    """All pairs in one panel (Fig. 1 of Cabrera-Vives et al. 2023): a row per source, a column per target.

    Points are means over splits with the sample standard deviation as bar: filled on the target, open on
    the source. Horizontal lines are the baseline's means, dashed on the target and dotted on the
    source. The diagonal holds the baseline within its own survey.
    """
    adapted = runs[runs["method"].isin(list(methods))]
    pairs = set(zip(adapted["source"], adapted["target"], strict=True))
    sources, targets = (
        [name for name in surveys if name in set(adapted[role])] for role in ("source", "target")
    )
    width = max(LEGEND_WIDTH_INCHES, PANEL_INCHES[0] * len(targets))
    figure = new_figure(0.9 + PANEL_INCHES[1] * len(sources), width_inches=width)
    grid = figure.subplots(len(sources), len(targets), sharex=True, sharey=True, squeeze=False)
    drawn = np.array([[(source, target) in pairs for target in targets] for source in sources])
    for axes, (source, target) in zip(grid.flat, product(sources, targets), strict=True):
        if (source, target) in pairs:
            accuracy_axis(axes, limits=accuracy_limits(runs["balanced_accuracy"]))
            _pair_panel(axes, runs, pair=Pair(source, target), methods=methods)
        else:
            axes.axis("off")
        axes.tick_params(labelleft=True, labelbottom=True)  # inner panels, too
        if source == target:
            _diagonal(axes, runs, survey=source)
    shots = sorted(set(adapted["shots"]))
    grid[0, 0].set_xticks(np.arange(len(shots)), [str(k) for k in shots])
    grid[0, 0].set_xlim(-0.5, len(shots) - 0.5)
    _outer_labels(grid, drawn)
    # a column per method and one for the baseline, each on the target and on the source
    handles = [
        Line2D([], [], **line, color=method_colour(name, methods), label=f"{text}, on the {role}")
        for name, text in ((name, method_name(name)) for name in (*methods, BASELINE))
        for role, line in (BASELINE_STYLES if name == BASELINE else PANEL_STYLES).items()
    ]
    title = "A row per source, a column per target"
    return finished(figure, title, legend=handles, columns=len(methods) + 1)


def _boxes(axes: Axes, rows: pd.DataFrame, *, methods: Sequence[str]) -> None:
    """Boxes of one survey, grouped by shots, and the line of the baseline."""
    shots = sorted(set(rows.loc[rows["method"] != BASELINE, "shots"]))
    width = GROUP_WIDTH / len(methods)
    for place, method in enumerate(methods):
        of_method = rows[rows["method"] == method]
        trained = sorted(set(of_method["shots"]))  # with 0 shots, not every method
        values = [of_method.loc[of_method["shots"] == k, "balanced_accuracy"].to_numpy() for k in trained]
        positions = np.searchsorted(shots, trained) + width * (place - (len(methods) - 1) / 2)
        colour = method_colour(method, methods)
        for position, dots in zip(positions, values, strict=True):
            looks = {**UNBOXED, "color": colour}
            if len(dots) >= FEWEST_OF_A_BOX:
                _box(axes, dots, position=position, width=0.85 * width, colour=colour)
                looks = dict(BOXED)
            offsets = np.linspace(-0.2, 0.2, len(dots)) * width if len(dots) > 1 else [0.0]
            axes.plot(position + offsets, dots, linestyle="", **looks)
            axes.plot(position, dots.mean(), linestyle="", **MEAN_MARKER, zorder=4)
    mean = rows.loc[rows["method"] == BASELINE, "balanced_accuracy"].mean()
    axes.axhline(mean, color=BASELINE_COLOUR, linestyle="--", label=BASELINE, zorder=1)
    axes.set_xticks(np.arange(len(shots)), [str(k) for k in shots])
    axes.set_xlim(-0.6, len(shots) - 0.4)


def _box(axes: Axes, values: NDArray[np.float64], *, position: float, width: float, colour: str) -> None:
    axes.boxplot(
        values,
        positions=[position],
        widths=width,
        manage_ticks=False,
        patch_artist=True,
        showfliers=False,
        # outlines too: a narrow box is little more than its outline
        boxprops={"facecolor": (colour, BOX_ALPHA), "edgecolor": colour},
        medianprops={"color": "black"},
        whiskerprops={"color": colour},
        capprops={"color": colour},
    )


def _pair_panel(axes: Axes, runs: pd.DataFrame, *, pair: Pair, methods: Sequence[str]) -> None:
    chosen = select_pair(runs, source=pair.source, target=pair.target, methods=methods)
    means = summarise(chosen, by=("method", "evaluated_on", "shots")).sort_values("shots")
    shots = sorted(set(means.loc[means["method"] != BASELINE, "shots"]))
    for role, survey in target_and_source(str(pair)):
        on_survey = means[means["evaluated_on"] == survey]
        baseline = on_survey.loc[on_survey["method"] == BASELINE, "mean"].iloc[0]
        axes.axhline(baseline, color=BASELINE_COLOUR, **BASELINE_STYLES[role], label=f"{BASELINE} {role}")
        for place, method in enumerate(methods):
            rows = on_survey[on_survey["method"] == method]
            axes.errorbar(
                [shots.index(k) + DODGE * (place - (len(methods) - 1) / 2) for k in rows["shots"]],
                rows["mean"],
                yerr=rows["std"].fillna(0),  # a single split has no bar
                color=method_colour(method, methods),
                elinewidth=0.7,
                label=f"{method} {role}",
                **PANEL_STYLES[role],
            )
    axes.set_title(pair_title(pair), pad=3)


def _diagonal(axes: Axes, runs: pd.DataFrame, *, survey: str) -> None:
    own = (runs["method"] == BASELINE) & (runs["source"] == survey) & (runs["evaluated_on"] == survey)
    values = runs.loc[own, "balanced_accuracy"]
    text = f"{survey}\nbaseline on itself\n{format_mean(values.mean(), values.std(ddof=1))}"
    axes.text(0.4, 0.5, text, transform=axes.transAxes, ha="center", va="center")


def _outer_labels(grid: NDArray[np.object_], drawn: NDArray[np.bool_]) -> None:
    """Name the axes of the first panel of every row and the last of every column: each has at least one.

    Where a cell without a panel is outside of it, the labels use that room instead of pushing panels apart.
    """
    for axes_of_row, first in zip(grid, drawn.argmax(axis=1), strict=True):
        axes = axes_of_row[first]
        axes.set_ylabel(ACCURACY_LABEL)
        axes.yaxis.set_in_layout(bool(first == 0))
    for axes_of_column, blank in zip(grid.T, drawn[::-1].argmax(axis=0), strict=True):
        axes = axes_of_column[-1 - blank]
        axes.set_xlabel("labelled stamps per class")
        axes.xaxis.set_in_layout(bool(blank == 0))
