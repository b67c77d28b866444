"""One pair: features of source and target in two dimensions, before and after adaptation."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.config.experiment import Pair
from stampshift.figures.style import PAGE_WIDTH_INCHES, SURVEY_COLOURS, styled
from stampshift.stamps.file import BOGUS, LABEL_NAMES, REAL
from stampshift.tables.predictions import models
from stampshift.tables.wording import trained_name

PANELS_IN_A_ROW = 3
PANEL_HEIGHT_INCHES = 2.3
POINT_AREA = 7
MARKERS = {REAL: "o", BOGUS: "x"}
ROLE_COLOURS = {"source": SURVEY_COLOURS[0], "target": SURVEY_COLOURS[1]}


@styled
def embedding_figure(points: pd.DataFrame, *, pair: str) -> Figure:
    """Draw the principal components of the features, a panel per model: survey by colour, label by marker.

    Parameters
    ----------
    points
        Of `embedding`.
    pair
        ``"<source>-to-<target>"``.
    """
    names = Pair.parse(pair)
    compared = models(points)
    columns = min(len(compared), PANELS_IN_A_ROW)
    rows = -(-len(compared) // columns)
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 0.9 + PANEL_HEIGHT_INCHES * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (method, shots) in zip(grid.flat, compared, strict=False):
        chosen = points[(points["method"] == method) & (points["shots"] == shots)]
        _panel(axes, chosen, pair=names)
        axes.set_title(trained_name(method, shots))
    for axes in grid.flat[len(compared) :]:
        axes.axis("off")
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=marker,
            color=ROLE_COLOURS[role],
            label=f"{role}, {survey}: {LABEL_NAMES[label]}",
        )
        for role, survey in (("source", names.source), ("target", names.target))
        for label, marker in MARKERS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    figure.suptitle(f"Features of {names.source} and {names.target}")
    return figure


def _panel(axes: Axes, points: pd.DataFrame, *, pair: Pair) -> None:
    colours = {pair.source: ROLE_COLOURS["source"], pair.target: ROLE_COLOURS["target"]}
    for label, marker in MARKERS.items():
        # in the order of rows, surveys alternate: neither hides the other
        chosen = points[points["label"] == label].sort_values("row", kind="stable")
        axes.scatter(
            chosen["x"],
            chosen["y"],
            POINT_AREA,
            marker=marker,
            color=chosen["survey"].map(colours).tolist(),
            alpha=0.6,
            linewidths=0 if label == REAL else 0.6,
        )
    axes.set(
        xlabel=f"first component ({points['x_share'].iloc[0]:.0%})",
        ylabel=f"second component ({points['y_share'].iloc[0]:.0%})",
        xticks=[],
        yticks=[],
    )
