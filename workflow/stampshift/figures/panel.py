"""All pairs in one panel: balanced accuracy on target and source by number of shots."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from stampshift.config.experiment import BASELINE, Pair
from stampshift.figures.style import (
    ACCURACY_LABEL,
    BASELINE_COLOUR,
    PAGE_WIDTH_INCHES,
    accuracy_axis,
    accuracy_limits,
    method_colour,
    styled,
)
from stampshift.tables.run_table import select_pair, summarise
from stampshift.tables.wording import method_name, pair_title
from stampshift.tables.writing import format_mean

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
def all_pairs(runs: pd.DataFrame, *, surveys: Sequence[str], methods: Sequence[str]) -> Figure:
    """All pairs in one panel (Fig. 1 of Cabrera-Vives et al. 2023): a row per source, a column per target.

    Points are means over splits with the sample standard deviation as bar: filled on the target, open on
    the source. Horizontal lines are the baseline's means, dashed on the target and dotted on the
    source. The diagonal tells the baseline within its own survey.

    Parameters
    ----------
    runs
        The long table of runs.
    surveys
        Order of rows and columns.
    methods
        Methods of adaptation.
    """
    adapted = runs[runs["method"].isin(list(methods))]
    pairs = set(zip(adapted["source"], adapted["target"], strict=True))
    sources = [name for name in surveys if name in set(adapted["source"])]
    targets = [name for name in surveys if name in set(adapted["target"])]
    width = max(LEGEND_WIDTH_INCHES, PANEL_INCHES[0] * len(targets))
    figure = Figure(figsize=(width, 0.9 + PANEL_INCHES[1] * len(sources)), layout="constrained")
    grid = figure.subplots(len(sources), len(targets), sharex=True, sharey=True, squeeze=False)
    drawn = np.zeros(grid.shape, dtype=bool)
    for row, source in enumerate(sources):
        for column, target in enumerate(targets):
            drawn[row, column] = (source, target) in pairs
            if drawn[row, column]:
                accuracy_axis(grid[row, column], limits=accuracy_limits(runs["balanced_accuracy"]))
                _pair_panel(grid[row, column], runs, source=source, target=target, methods=methods)
            else:
                grid[row, column].axis("off")
            if source == target:
                _diagonal(grid[row, column], runs, survey=source)
    shots = sorted(set(adapted["shots"]))
    grid[0, 0].set_xticks(np.arange(len(shots)), [str(k) for k in shots])
    grid[0, 0].set_xlim(-0.5, len(shots) - 0.5)
    _outer_labels(grid, drawn)
    figure.legend(handles=_legend(methods), loc="outside lower center", ncols=len(methods) + 1)
    figure.suptitle("From source (row) to target (column)")
    return figure


def _outer_labels(grid: NDArray[np.object_], drawn: NDArray[np.bool_]) -> None:
    """Label the first panel of every row and the last of every column, whichever these are.

    Where a cell without a panel lies outside of it, the labels use that room instead of pushing panels apart.
    """
    for row in np.flatnonzero(drawn.any(axis=1)):
        first = int(np.flatnonzero(drawn[row])[0])
        axes = grid[row, first]
        axes.tick_params(labelleft=True)
        axes.set_ylabel(ACCURACY_LABEL)
        axes.yaxis.set_in_layout(first == 0)
    for column in np.flatnonzero(drawn.any(axis=0)):
        last = int(np.flatnonzero(drawn[:, column])[-1])
        axes = grid[last, column]
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("labelled stamps per class")
        axes.xaxis.set_in_layout(last == len(grid) - 1)


def _pair_panel(axes: Axes, runs: pd.DataFrame, *, source: str, target: str, methods: Sequence[str]) -> None:
    chosen = select_pair(runs, source=source, target=target, methods=methods)
    means = summarise(chosen, by=("method", "evaluated_on", "shots")).sort_values("shots")
    shots = sorted(set(means.loc[means["method"] != BASELINE, "shots"]))
    for role, survey in (("target", target), ("source", source)):
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
    axes.set_title(pair_title(Pair(source, target)), pad=3)


def _diagonal(axes: Axes, runs: pd.DataFrame, *, survey: str) -> None:
    own = (runs["method"] == BASELINE) & (runs["source"] == survey) & (runs["evaluated_on"] == survey)
    values = runs.loc[own, "balanced_accuracy"]
    text = f"{survey}\nbaseline on itself\n{format_mean(values.mean(), values.std(ddof=1))}"
    axes.text(0.4, 0.5, text, transform=axes.transAxes, ha="center", va="center")


def _legend(methods: Sequence[str]) -> list[Line2D]:
    """Make a legend column per method and one for the baseline, each on the target and on the source."""
    handles = []
    for name in methods:
        colour, text = method_colour(name, methods), method_name(name)
        for role, line in PANEL_STYLES.items():
            handles.append(Line2D([], [], color=colour, label=f"{text}, on the {role}", **line))
    for role, line in BASELINE_STYLES.items():
        handles.append(Line2D([], [], color=BASELINE_COLOUR, label=f"baseline, on the {role}", **line))
    return handles
