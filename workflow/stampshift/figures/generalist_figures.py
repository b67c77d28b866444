"""Sources of several surveys, a figure for each of the questions of `tables.generalist`."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.figures.style import (
    ACCURACY_LABEL,
    BASELINE_COLOUR,
    SURVEY_COLOURS,
    accuracy_axis,
    accuracy_limits,
    finished,
    method_colour,
    new_figure,
    panel_grid,
    styled,
)
from stampshift.tables.generalist import of_question
from stampshift.tables.wording import method_name

MARKERS = "osD^vPX*"
SINGLE: Mapping[str, Any] = {
    "marker": "s",
    "markerfacecolor": "white",
    "linestyle": "--",
}  # of what is compared with
SEVERAL: Mapping[str, Any] = {"marker": "o", "linestyle": "-"}
WIDTH = 0.6  # of the distance between two surveys, that their points share
NOTHING = "no such run in this experiment"


@styled
def specialist_figure(compared: pd.DataFrame) -> Figure:
    """Baselines on each survey: of the survey alone, and of every source of several that has it."""
    numbers = of_question(compared, "specialist")
    series = {"specialist": numbers.drop_duplicates("target").assign(**_other_side(numbers))}
    series |= {str(name): rows for name, rows in numbers.groupby("source", sort=False)}
    return _points(series, title="One model of several surveys, and one of each", xlabel="tested on")


@styled
def new_survey_figure(compared: pd.DataFrame) -> Figure:
    """Baselines on a survey that is none of the source's: of several surveys, and the best single one."""
    numbers = of_question(compared, "new")
    series = {"best single source": numbers.assign(**_other_side(numbers)), "several surveys": numbers}
    return _points(series, title="A new survey without a label", xlabel="new survey")


@styled
def adapted_figure(compared: pd.DataFrame, *, methods: Sequence[str]) -> Figure:
    """Adapted models on a survey that is none of the source's, by shots: from several, from the best one."""
    numbers = of_question(compared, "adapted")
    places = _places(numbers, ["source", "target"])
    figure, grid = panel_grid(max(1, len(places)), panel_inches=2.2, legend_inches=0.9, shared=True)
    limits = accuracy_limits([1.0, *numbers["mean"], *numbers["against_mean"]])
    for axes, (source, target) in zip(grid.flat, places, strict=False):
        rows = numbers[(numbers["source"] == source) & (numbers["target"] == target)]
        for method in methods:
            own = rows[rows["method"] == method].sort_values("shots")
            colour = method_colour(method, methods)
            for side, looks in (("", SEVERAL), ("against_", SINGLE)):
                axes.errorbar(
                    _positions(own["shots"], numbers),
                    own[f"{side}mean"],
                    yerr=own[f"{side}std"].fillna(0),  # a single split has none
                    color=colour,
                    elinewidth=0.7,
                    **looks,
                )
        accuracy_axis(axes, limits=limits)
        axes.set(title=f"{source} to {target}")
    _shots_axis(grid, numbers, ylabel=ACCURACY_LABEL)
    handles = [
        Line2D([], [], color=method_colour(name, methods), label=f"{method_name(name)}, {start}", **looks)
        for name in methods
        for start, looks in (("from several surveys", SEVERAL), ("from the best single one", SINGLE))
    ]
    return finished(figure, "A new survey with a few labels", legend=handles, columns=len(methods))


@styled
def kept_figure(compared: pd.DataFrame, *, methods: Sequence[str]) -> Figure:
    """What adaptation changes on each survey of the source but the target, by shots; a panel per pair."""
    numbers = of_question(compared, "kept")
    places = _places(numbers, ["source", "target"])
    surveys = list(dict.fromkeys(numbers["evaluated_on"]))
    markers = dict(zip(surveys, cycle(MARKERS), strict=False))
    figure, grid = panel_grid(max(1, len(places)), panel_inches=2.2, legend_inches=1.1, shared=True)
    for axes, (source, target) in zip(grid.flat, places, strict=False):
        rows = numbers[(numbers["source"] == source) & (numbers["target"] == target)]
        axes.axhline(0, color=BASELINE_COLOUR, linestyle="--", linewidth=0.8)
        for (method, survey), own in rows.groupby(["method", "evaluated_on"], sort=False):
            line = own.sort_values("shots")
            colour, marker = method_colour(str(method), methods), markers[survey]
            axes.plot(_positions(line["shots"], numbers), line["difference"], color=colour, marker=marker)
        axes.grid(axis="y")
        axes.set(title=f"{source} to {target}")
    _shots_axis(grid, numbers, ylabel="change of balanced accuracy")
    handles = [
        Line2D([], [], color=method_colour(name, methods), label=method_name(name)) for name in methods
    ]
    grey: dict[str, Any] = {"linestyle": "", "color": "#777777"}
    handles += [Line2D([], [], marker=marker, label=f"on {name}", **grey) for name, marker in markers.items()]
    return finished(
        figure, "What the surveys of the source keep", legend=handles, columns=max(2, len(methods))
    )


def _other_side(numbers: pd.DataFrame) -> dict[str, pd.Series]:
    """Mean and spread of what a comparison is with, in place of its own."""
    return {"mean": numbers["against_mean"], "std": numbers["against_std"]}


def _points(series: dict[str, pd.DataFrame], *, title: str, xlabel: str) -> Figure:
    """A group of points per target, a colour and marker per series, bars the sample standard deviation."""
    numbers = pd.concat(series.values())
    targets = list(dict.fromkeys(numbers["target"]))
    figure = new_figure(2.9)
    axes = figure.subplots()
    for number, (name, rows) in enumerate(series.items()):
        offset = WIDTH * (number - (len(series) - 1) / 2) / len(series)
        axes.errorbar(
            [targets.index(target) + offset for target in rows["target"]],
            rows["mean"],
            yerr=rows["std"].fillna(0),  # a single split has none
            fmt=MARKERS[number % len(MARKERS)],
            color=SURVEY_COLOURS[number % len(SURVEY_COLOURS)],
            elinewidth=0.8,
            label=name,
        )
    if len(numbers):
        accuracy_axis(axes, limits=accuracy_limits(numbers["mean"] - numbers["std"].fillna(0)))
    else:
        axes.text(0.5, 0.5, NOTHING, transform=axes.transAxes, ha="center")
    axes.set_xticks(range(len(targets)), targets)
    axes.set(xlabel=xlabel, ylabel=ACCURACY_LABEL)
    return finished(figure, title, legend=axes, columns=min(4, len(series)))


def _places(numbers: pd.DataFrame, columns: list[str]) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(numbers[columns].itertuples(index=False, name=None)))


def _positions(shots: pd.Series, numbers: pd.DataFrame) -> list[int]:
    """Places of numbers of shots on an axis that has all of them, evenly apart."""
    known = sorted(set(numbers["shots"]))
    return [known.index(count) for count in shots]


def _shots_axis(grid: Any, numbers: pd.DataFrame, *, ylabel: str) -> None:
    """Label the shared axes of a grid."""
    shots = sorted(set(numbers["shots"]))
    grid[0, 0].set_xticks(range(len(shots)), [str(count) for count in shots])
    for axes in grid[:, 0]:
        axes.set_ylabel(ylabel)
    for axes in grid.flat:
        axes.tick_params(labelbottom=True)  # of a panel with none below it too
        axes.set_xlabel("labelled stamps per class")
    if not shots:
        grid[0, 0].text(0.5, 0.5, NOTHING, transform=grid[0, 0].transAxes, ha="center")
