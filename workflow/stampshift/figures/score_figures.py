"""One pair, from the scores of its models: histograms, detection curves, reliability diagrams."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import setp
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from stampshift.config.experiment import BASELINE
from stampshift.figures.style import (
    CHOICE_COLOUR,
    LABEL_COLOURS,
    finished,
    method_colour,
    new_figure,
    styled,
    target_and_source,
)
from stampshift.metrics.metrics import THRESHOLD
from stampshift.stamps.file import LABELS
from stampshift.tables.predictions import models, of_model
from stampshift.tables.wording import pair_title, trained_name

PANEL_HEIGHT_INCHES = 1.45  # of a histogram
TINY_COUNT = 1e-6
LOWEST_RATE = 1e-3  # of the logarithmic axes
BAND_ALPHA = 0.15
GUIDE: Mapping[str, Any] = {"color": CHOICE_COLOUR, "linewidth": 0.5, "alpha": 0.7, "zorder": 1}
SMALLEST_BIN = 10  # stamps; the share of fewer says nothing
SMALLEST_MARKER, LARGEST_MARKER = 3.0, 90.0  # areas in square points: of no stamp, and of all


@styled
def score_figure(histograms: pd.DataFrame, *, pair: str) -> Figure:
    """Scores of real and of bogus stamps, from `score_histograms`: a row per model, on target and source."""
    rows = models(histograms)
    figure = new_figure(0.9 + PANEL_HEIGHT_INCHES * len(rows))
    grid = figure.subplots(len(rows), 2, sharex=True, sharey=True, squeeze=False)
    for row, (method, shots) in zip(grid, rows, strict=True):
        for axes, (role, survey) in zip(row, target_and_source(pair), strict=True):
            score_steps(axes, of_model(histograms, survey=survey, method=method, shots=shots))
            axes.set_title(f"{trained_name(method, shots)}, on the {role}, {survey}")
        row[0].set_ylabel("stamps per split")
    score_axes(grid[0, 0], histograms)
    setp(grid[-1], xlabel="score, P(real)")
    return finished(figure, pair_title(pair), legend=grid[0, 0])


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


@styled
def detection_curves(
    curves: pd.DataFrame,
    points: pd.DataFrame,
    *,
    pair: str,
    methods: Sequence[str],
    operating_points: Mapping[str, Sequence[float]],
) -> Figure:
    """Mean ROC curves (above) and MDR-FPR curves (below) of `mean_curves`, on target and source.

    Bands reach from the lowest to the highest split; models with the fewest shots have none. The rates
    (``mdr`` and ``fpr``) at which the table of `operating_points` reads off the other one are lines with
    their number. A survey has none for a rate that is finer than its test stamps can show.
    """
    most = curves["shots"].max()
    figure = new_figure(5.6)
    grid = figure.subplots(2, 2, sharex="row", sharey="row")
    for (roc, rates), (role, survey) in zip(grid.T, target_and_source(pair), strict=True):
        for method, shots in models(curves):
            rows = of_model(curves, survey=survey, method=method, shots=shots)
            line: dict[str, Any] = {
                "color": method_colour(method, methods),
                "linestyle": "--" if method == BASELINE else "-" if shots == most else ":",
                "label": trained_name(method, shots),
            }
            roc.plot(rows["fpr"], 1 - rows["mean"], **line)
            rates.plot(rows["fpr"], rows["mean"], **line)
            if line["linestyle"] != ":":
                band: dict[str, Any] = {"color": line["color"], "alpha": BAND_ALPHA, "linewidth": 0}
                roc.fill_between(rows["fpr"], 1 - rows["high"], 1 - rows["low"], **band)
                rates.fill_between(rows["fpr"], rows["low"], rows["high"], **band)
        _guides(rates, points[points["survey"] == survey], **operating_points)
        roc.set(title=f"on the {role}, {survey}", xlabel="false-positive rate (FPR)")
        rates.set(xlabel="false-positive rate (FPR)")
    # the same axes for every pair, so that figures can be compared
    grid[0, 0].set(xlim=(0, 1), ylim=(0, 1.005), ylabel="true-positive rate")
    grid[1, 0].set(xscale="log", yscale="log", xlim=(LOWEST_RATE, 1), ylim=(LOWEST_RATE, 1))
    grid[1, 0].set_ylabel("missed-detection rate (MDR)")
    for axes in grid.flat:
        axes.grid(visible=True)
    handles, _ = grid[0, 0].get_legend_handles_labels()
    if any(axes.texts for axes in grid[1]):
        handles.append(Line2D([], [], **GUIDE, label="rates of the operating points"))
    return finished(figure, pair_title(pair), legend=handles, columns=3)


@styled
def reliability_diagrams(curves: pd.DataFrame, *, pair: str, methods: Sequence[str]) -> Figure:
    """Share of reals against the score of `reliability_curves`, before (above) and after scaling.

    A dot's area is its bin's share of the survey's test stamps; a bin of fewer than ten, all splits
    together, is not drawn. On the diagonal, scores are what they claim to be.
    """
    figure = new_figure(5.9)
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    for row, scaling in zip(grid, ("before", "after"), strict=True):
        for axes, (role, survey) in zip(row, target_and_source(pair), strict=True):
            axes.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8, zorder=1)
            for method, shots in models(curves):
                chosen = of_model(curves, survey=survey, method=method, shots=shots)
                colour, name = method_colour(method, methods), trained_name(method, shots)
                _points(axes, chosen[chosen["scaling"] == scaling], colour=colour, label=name)
            axes.set_title(f"{scaling} temperature scaling, on the {role}, {survey}")
            axes.grid(visible=True)
    grid[0, 0].set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    setp(grid[:, 0], ylabel="share of reals")
    setp(grid[-1], xlabel="score, P(real)")
    return finished(figure, pair_title(pair), legend=grid[0, 0])


def _guides(axes: Axes, points: pd.DataFrame, *, mdr: Sequence[float], fpr: Sequence[float]) -> None:
    """Lines at the rates of the operating points, of those that as many test stamps can show."""
    text: dict[str, Any] = {"color": CHOICE_COLOUR, "fontsize": 6, "va": "bottom", "zorder": 5}
    for rate in mdr:
        if rate * points["n_real"].iloc[0] >= 1:
            axes.axhline(rate, **GUIDE)
            axes.text(0.01, rate, f"{rate:g}", transform=axes.get_yaxis_transform(), **text)
    for rate in fpr:
        if rate * points["n_bogus"].iloc[0] >= 1:
            axes.axvline(rate, **GUIDE)
            axes.text(rate, 0.01, f" {rate:g}", transform=axes.get_xaxis_transform(), **text)


def _points(axes: Axes, rows: pd.DataFrame, *, colour: str, label: str) -> None:
    score = rows["mean_score"]
    share = rows["share_real"].where(rows["count"] >= SMALLEST_BIN)  # a bin left out breaks the line
    areas = SMALLEST_MARKER + LARGEST_MARKER * rows["count"] / rows["count"].sum()
    axes.plot(score, share, color=colour, label=label, linewidth=0.7)
    axes.scatter(score, share, areas, color=colour, alpha=0.7, linewidths=0, zorder=3)
