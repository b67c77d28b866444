"""Figures of one part of the study: detection curves, confusion and scores of its models."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from stampshift.des_study.first_step import JUDGES
from stampshift.des_study.performance import COMMON
from stampshift.figures.score_figures import GUIDE, LOWEST_RATE, score_axes, score_steps
from stampshift.figures.style import (
    finished,
    model_line,
    new_figure,
    styled,
)
from stampshift.stamps.file import LABELS
from stampshift.tables.wording import model_name

CORNER = 0.1  # of the ROC curve, enlarged: FPR to 0.1, TPR from 0.9
PUBLISHED: dict[str, Any] = {
    "color": "black",
    "marker": "*",
    "markersize": 8,
    "markeredgecolor": "white",
    "markeredgewidth": 0.5,
    "linestyle": "none",
    "zorder": 5,
}
AUTHORS_LIMITS = {"xlim": (0, 0.1), "ylim": (0, 0.05)}  # of MDR and FPR in the figures of the paper
PANELS: list[Any] = [["rates", "authors", "roc"], ["points", "points", "points"]]
HEIGHTS_INCHES = (2.4, 0.17)  # of the upper panels, and per model of the lower one
DARK_PERCENT = 50  # from here on, light text


@styled
def detection_figure(
    curves: pd.DataFrame,
    performance: pd.DataFrame,
    *,
    mdr: float,
    published: pd.DataFrame | None,
    part: str,
) -> Figure:
    """Draw false against missed detections, the ROC curve with its corner enlarged, and operating points.

    All are of the stamps that every model judges. The missed detections are drawn twice: on logarithmic
    axes, and on those of the paper. `curves` and `performance` are of the functions of these names in
    `des_study.performance`. The rate `mdr` is drawn as a guide. `published` has columns ``mdr`` and
    ``fpr``, operating points of the published forest; it is None on simulated surveys, which are shown
    beside no published number.
    """
    common = performance[performance["stamps"] == COMMON].iloc[::-1]
    heights = (HEIGHTS_INCHES[0], HEIGHTS_INCHES[1] * (len(common) + 1))
    figure = new_figure(1.4 + sum(heights))
    panels = figure.subplot_mosaic(PANELS, height_ratios=heights)
    rates, authors, roc = panels["rates"], panels["authors"], panels["roc"]
    handles = detection_lines(rates, curves)
    detection_lines(authors, curves)
    authors_axes(authors)
    handles.append(rates.axvline(mdr, **GUIDE, label=f"MDR {mdr:g}"))
    authors.axvline(mdr, **GUIDE)
    if published is not None:
        for axes in (rates, authors):
            stars = axes.plot(published["mdr"], published["fpr"], **PUBLISHED, label="published forest")
        handles += stars
    corner = roc.inset_axes((0.34, 0.14, 0.62, 0.62))
    for axes in (roc, corner):
        for model, rows in curves.groupby("model", sort=False):
            axes.plot(rows["fpr"], 1 - rows["mdr"], **model_line(str(model)))
        axes.grid(visible=True)
    roc.set(xlim=(0, 1), ylim=(0, 1.005), xlabel="false-positive rate (FPR)", ylabel="true-positive rate")
    corner.set(xlim=(0, CORNER), ylim=(1 - CORNER, 1))
    roc.indicate_inset_zoom(corner, edgecolor="black", linewidth=0.5)
    _points(panels["points"], common, mdr=mdr)
    return finished(figure, f"DES study, {part} part", legend=handles, columns=4)


def detection_lines(axes: Axes, curves: pd.DataFrame) -> list[Line2D]:
    """Draw false against missed detections on logarithmic axes; the labelled lines, one per model."""
    lines = []
    for model, rows in curves.groupby("model", sort=False):
        name = str(model)
        lines += axes.plot(rows["mdr"], rows["fpr"], **model_line(name), label=model_name(name))
    limits = (LOWEST_RATE, 1)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    axes.set(xlabel="missed-detection rate (MDR)", ylabel="false-positive rate (FPR)")
    axes.grid(visible=True)
    return lines


def authors_axes(axes: Axes) -> None:
    """Give axes of `detection_lines` the paper's limits, linear."""
    axes.set(xscale="linear", yscale="linear", **AUTHORS_LIMITS)


@styled
def retested_figure(curves: pd.DataFrame, *, mdr: float) -> Figure:
    """Draw false against missed detections of the first part's models, by old and by corrected labels.

    `curves` are those of `performance.curves` with the column ``tested_on`` of `first_step.retested`. Above
    on logarithmic axes, below on those of the paper (its Fig. 7).
    """
    figure = new_figure(5.2)
    above, below = figure.subplots(2, len(JUDGES))
    for column, logarithmic, linear in zip(JUDGES, above, below, strict=True):
        rows = curves[curves["tested_on"] == column]
        for axes in (logarithmic, linear):
            handles = detection_lines(axes, rows)
            handles.append(axes.axvline(mdr, **GUIDE, label=f"MDR {mdr:g}"))
        authors_axes(linear)
        logarithmic.set_title(f"tested on {JUDGES[column]}")
    return finished(figure, "DES study, trained on old labels", legend=handles, columns=4)


def _points(axes: Axes, performance: pd.DataFrame, *, mdr: float) -> None:
    """Operating point of every model with its interval, the first model on top."""
    for place, row in enumerate(performance.to_dict("records")):
        colour = model_line(row["model"])["color"]
        axes.plot([row["low"], row["high"]], [place, place], color=colour)
        axes.plot(row["fpr_at_mdr"], place, "o", color=colour)
    axes.set_yticks(range(len(performance)), [model_name(model) for model in performance["model"]])
    axes.set(xlabel=f"FPR at MDR {mdr:g}, with interval", ylim=(-0.6, len(performance) - 0.4))
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


@styled
def confusion_matrices(shares: pd.DataFrame, *, part: str) -> Figure:
    """Draw a matrix per model of `confusion_shares`: rows are labels, columns calls; percent and counts."""
    models = shares["model"].unique()
    figure, panels = _model_panels(models, columns=3, inches=(0.4, 1.9), x="called", y="label")
    for axes, model in zip(panels, models, strict=True):
        _matrix(axes, shares[shares["model"] == model])
    figure.suptitle(f"DES study, {part} part")
    return figure


def _matrix(axes: Axes, lines: pd.DataFrame) -> None:
    percent, counts = (lines[name].to_numpy().reshape(2, 2) for name in ("percent", "stamps"))
    axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (row, column), share in np.ndenumerate(percent):
        colour = "white" if share > DARK_PERCENT else "black"
        text = f"{share:.1f}%\n{counts[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks([0, 1], list(LABELS))
    axes.set_yticks([0, 1], list(LABELS), rotation=90, va="center")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@styled
def score_panels(histograms: pd.DataFrame, *, title: str, cutoff: float | None) -> Figure:
    """Draw the `score_histograms` of real and of bogus stamps, a panel per model, on the same axes.

    A `cutoff` is drawn as a guide.
    """
    models = histograms["method"].unique()
    figure, panels = _model_panels(
        models, columns=2, inches=(0.9, 1.6), x="score, P(real)", y="test stamps", share=True
    )
    for axes, model in zip(panels, models, strict=True):
        score_steps(axes, histograms[histograms["method"] == model])
        axes.xaxis.set_tick_params(labelbottom=True)
        if cutoff is not None:
            axes.axvline(cutoff, **GUIDE, label=f"cutoff {cutoff:g}")
    score_axes(panels[0], histograms)
    return finished(figure, title, legend=panels[0])


def _model_panels(
    models: NDArray[Any], *, columns: int, inches: tuple[float, float], x: str, y: str, share: bool = False
) -> tuple[Figure, NDArray[Any]]:
    """Make a figure with a titled panel per model; `inches` are the heights of the legend and of a panel."""
    rows = -(-len(models) // columns)
    figure = new_figure(inches[0] + inches[1] * rows)
    grid = figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False)
    panels, empty = np.split(grid.ravel(), [len(models)])
    for axes, model in zip(panels, models, strict=True):
        axes.set_title(model_name(model))
    for axes in empty:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel(y)
    for axes in panels[-columns:]:
        axes.set_xlabel(x)
    return figure, panels
