"""Two sets of stamps beside each other: features of source and target, scores of a night and a reference."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from stampshift.figures.style import (
    BASELINE_COLOUR,
    CHOICE_COLOUR,
    SURVEY_COLOURS,
    finished,
    new_figure,
    panel_grid,
    styled,
    target_and_source,
)
from stampshift.stamps.file import BOGUS, LABEL_NAMES, REAL
from stampshift.tables.wording import trained_name

PANEL_HEIGHT_INCHES = 2.3
POINT_AREA = 5
ARBITRARY = (
    "axes of each panel are its own, with arbitrary directions and scale: only what lies together counts"
)
MARKERS = {REAL: "o", BOGUS: "x"}
ROLE_COLOURS = {"source": SURVEY_COLOURS[0], "target": SURVEY_COLOURS[1]}
ROW_HEIGHT_INCHES = 1.7
SAMPLES = {"reference": (BASELINE_COLOUR, "--"), "night": (CHOICE_COLOUR, "-")}
AXIS_LABELS = {"score": "score, P(real)", "similarity": "similarity", "distance": "distance"}


@styled
def embedding_figure(points: pd.DataFrame, *, pair: str) -> Figure:
    """Features in two dimensions, from `embedding`: a panel per model, survey by colour, label by marker."""
    by_model: Any = points.groupby(["method", "shots"], sort=False)
    figure, grid = panel_grid(
        len(by_model), panel_inches=PANEL_HEIGHT_INCHES, legend_inches=0.9, shared=False
    )
    (_, target), (_, source) = target_and_source(pair)
    colours = {source: ROLE_COLOURS["source"], target: ROLE_COLOURS["target"]}
    for axes, ((method, shots), of_model) in zip(grid.flat, by_model, strict=False):
        _features(axes, of_model, colours=colours)
        axes.set_title(trained_name(method, shots))
    handles = [
        Line2D(
            [], [], linestyle="", marker=marker, color=ROLE_COLOURS[role], label=f"{role}, {name}: {label}"
        )
        for role, name in (("source", source), ("target", target))
        for label, marker in ((LABEL_NAMES[code], marker) for code, marker in MARKERS.items())
    ]
    figure = finished(figure, f"Features of {source} and {target}", legend=handles)
    figure.legends[0].set_title(ARBITRARY, prop=FontProperties(size=7))
    return figure


@styled
def drift_figure(curves: pd.DataFrame) -> Figure:
    """Cumulative distributions of a night and of a released model's reference, from `scoring.drift.curves`.

    There is a row per survey and a column per quantity.
    """
    surveys, quantities = curves["survey"].unique(), curves["quantity"].unique()
    figure = new_figure(0.9 + ROW_HEIGHT_INCHES * max(1, len(surveys)))
    if len(curves):
        grid = figure.subplots(len(surveys), len(quantities), sharex="col", sharey=True, squeeze=False)
        for row, survey in zip(grid, surveys, strict=True):
            for axes, quantity in zip(row, quantities, strict=True):
                chosen = (curves["survey"] == survey) & (curves["quantity"] == quantity)
                _distributions(axes, curves[chosen], title=str(survey))
            row[0].set_ylabel("share of stamps\nat or below")
        for axes, quantity in zip(grid[-1], quantities, strict=True):
            axes.set_xlabel(AXIS_LABELS[str(quantity)])
        grid[0, 0].set_ylim(0, 1)
    return finished(figure, "Night and reference", legend=figure.axes[0] if figure.axes else [])


def _features(axes: Axes, points: pd.DataFrame, *, colours: dict[str, str]) -> None:
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


def _distributions(axes: Axes, rows: pd.DataFrame, *, title: str) -> None:
    for sample, (colour, line) in SAMPLES.items():
        drawn = rows[rows["sample"] == sample]
        axes.step(drawn["value"], drawn["share"], where="post", color=colour, linestyle=line, label=sample)
    distance, verdict = rows["ks"].iloc[0], rows["verdict"].iloc[0]
    axes.set_title(f"{title}: {verdict}" if pd.isna(distance) else f"{title}: KS {distance:.3f}, {verdict}")
    axes.grid(visible=True)
