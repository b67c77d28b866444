"""All pairs: source accuracy lost against target accuracy won."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.figures.style import PAGE_WIDTH_INCHES, SURVEY_COLOURS, styled
from stampshift.tables.wording import counted, method_name

SOURCE_MARKERS = "os^DvPX*"
SMALLEST_MARKER, LARGEST_MARKER = 2.5, 6.5
MARGIN = 0.02
PANELS_IN_A_ROW = 3
LEGEND_COLUMNS = 3


@styled
def retention_figure(retention: pd.DataFrame, *, surveys: Sequence[str], methods: Sequence[str]) -> Figure:
    """Draw a point per pair and number of shots, a panel per method; the upper left is where to be.

    The marker tells the source, the colour the target, the size the number of shots. The black line goes
    through the means over pairs, from the fewest to the most shots.

    Parameters
    ----------
    retention
        Of `retention`.
    surveys
        In the order of markers and colours.
    methods
        Methods of adaptation, in the order of the panels.
    """
    shots = sorted(set(retention["shots"]))
    sizes = dict(zip(shots, np.linspace(SMALLEST_MARKER, LARGEST_MARKER, len(shots)), strict=True))
    columns = min(len(methods), PANELS_IN_A_ROW)
    rows = -(-len(methods) // columns)
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 1.1 + 2.9 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, method in zip(grid.flat, methods, strict=False):
        _points(axes, retention[retention["method"] == method], surveys=surveys, sizes=sizes)
        axes.set(title=method_name(method), xlabel="balanced accuracy lost on the source")
    for axes in grid.flat[len(methods) :]:
        axes.axis("off")
    grid[0, 0].set(
        xlim=(min(0, retention["lost"].min()) - MARGIN, max(0, retention["lost"].max()) + MARGIN),
        ylim=(min(0, retention["won"].min()) - MARGIN, max(0, retention["won"].max()) + MARGIN),
    )
    for axes in grid[:, 0]:
        axes.set_ylabel("balanced accuracy won on the target")
    handles = _legend(retention, surveys=surveys, sizes=sizes)
    figure.legend(handles=handles, loc="outside lower center", ncols=LEGEND_COLUMNS)
    figure.suptitle("What adaptation costs and what it gains")
    return figure


def _points(axes: Axes, retention: pd.DataFrame, *, surveys: Sequence[str], sizes: dict[int, float]) -> None:
    axes.axhline(0, color="#888888", linewidth=0.7, zorder=1)
    axes.axvline(0, color="#888888", linewidth=0.7, zorder=1)
    axes.grid(visible=True)
    for line in retention.to_dict("records"):
        axes.plot(
            line["lost"],
            line["won"],
            _marker(surveys.index(line["source"])),
            color=_colour(surveys.index(line["target"])),
            markersize=sizes[line["shots"]],
            alpha=0.75,
            markeredgewidth=0,
        )
    means = retention.groupby("shots")[["lost", "won"]].mean()
    axes.plot(means["lost"], means["won"], color="black", zorder=4, label="mean over pairs")
    for shots, size in sizes.items():
        dot: dict[str, Any] = {"color": "black", "markerfacecolor": "white", "markersize": size}
        lost, won = means.loc[shots].to_numpy(dtype=float)
        axes.plot(lost, won, "o", **dot, zorder=5)


def _marker(place: int) -> str:
    return SOURCE_MARKERS[place % len(SOURCE_MARKERS)]


def _colour(place: int) -> str:
    return SURVEY_COLOURS[place % len(SURVEY_COLOURS)]


def _legend(retention: pd.DataFrame, *, surveys: Sequence[str], sizes: dict[int, float]) -> list[Line2D]:
    """A column of sources by marker, one of targets by colour, one of shots by size, and the mean."""
    grey: dict[str, Any] = {"linestyle": "", "color": "#777777"}
    sources = [
        Line2D([], [], marker=_marker(place), label=f"from {name}", **grey)
        for place, name in enumerate(surveys)
        if name in set(retention["source"])
    ]
    targets = [
        Line2D([], [], marker="s", linestyle="", color=_colour(place), label=f"to {name}")
        for place, name in enumerate(surveys)
        if name in set(retention["target"])
    ]
    dots = [
        Line2D([], [], marker="o", markersize=size, label=counted(shots, "shot"), **grey)
        for shots, size in sizes.items()
    ]
    dots.append(Line2D([], [], color="black", marker="o", markerfacecolor="white", label="mean over pairs"))
    columns = [sources, targets, dots]
    height = max(map(len, columns))
    blank = Line2D([], [], linestyle="", label=" ")  # columns are filled one after the other
    return [handle for column in columns for handle in column + [blank] * (height - len(column))]
