"""One pair: recall by the survey's own classes and by signal-to-noise ratio, before and after adaptation."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from stampshift.figures.style import finished, method_colour, new_figure, styled, target_and_source
from stampshift.stamps.file import LABEL_NAMES
from stampshift.tables.predictions import models
from stampshift.tables.recall_tables import NO_BIN
from stampshift.tables.wording import pair_title, trained_name

CLASS_HEIGHT_INCHES = 0.42
GROUP_HEIGHT = 0.56  # of the distance between two classes
SURVEY_HEIGHT_INCHES = 2.3
MARKERS = "Dosv^"
SIDESTEP = 0.013  # of the axis, between two models of one bin


@styled
def class_recall_figure(recalls: pd.DataFrame, *, pair: str, methods: Sequence[str]) -> Figure:
    """Recalls of `class_recalls` by every model, with binomial intervals, on the target and on the source."""
    most = recalls.groupby("survey", observed=True)["class"].nunique().max()
    figure = new_figure(1.3 + CLASS_HEIGHT_INCHES * most)
    for axes, (role, survey) in zip(figure.subplots(1, 2, sharex=True), target_and_source(pair), strict=True):
        _classes(axes, recalls[recalls["survey"] == survey], methods=methods)
        axes.set(title=f"on the {role}, {survey}", xlabel="recall", xlim=(-0.02, 1.02))
        axes.grid(axis="x")
    return finished(figure, pair_title(pair), legend=figure.axes[0])


@styled
def snr_recall_figure(recalls: pd.DataFrame, *, pair: str, methods: Sequence[str]) -> Figure:
    """Recalls of `snr_recalls` of reals and of bogus by every model, a row of panels per survey that has S/N.

    A bin's points are around the median S/N of its test stamps, each model a little aside so that their
    intervals can be distinguished. Stamps without a positive S/N are in the table alone.
    """
    binned = recalls[recalls["bin"] != NO_BIN]
    shown = [panel for panel in target_and_source(pair) if (binned["survey"] == panel[1]).any()]
    figure = new_figure(0.7 + SURVEY_HEIGHT_INCHES * len(shown))
    grid = figure.subplots(len(shown), len(LABEL_NAMES), sharex="row", sharey=True, squeeze=False)
    for row, (role, survey) in zip(grid, shown, strict=True):
        for axes, label in zip(row, sorted(LABEL_NAMES, reverse=True), strict=True):
            shown_here = (binned["survey"] == survey) & (binned["label"] == label)
            _bins(axes, binned[shown_here], methods=methods)
            axes.set(title=f"{LABEL_NAMES[label]}, on the {role}, {survey}", xlabel="S/N of the candidate")
        row[0].set_ylabel("recall")
    grid[0, 0].set_ylim(-0.03, 1.03)
    return finished(figure, pair_title(pair), legend=grid[0, 0])


def _classes(axes: Axes, recalls: pd.DataFrame, *, methods: Sequence[str]) -> None:
    """A row per class, the first on top; models beside each other in it."""
    classes = recalls[["class", "label", "stamps"]].drop_duplicates("class")
    place = {name: row for row, name in enumerate(classes["class"])}
    step = GROUP_HEIGHT / max(1, len(models(recalls)) - 1)
    for aside, rows, reach, style in _each_model(recalls, methods=methods):
        heights = rows["class"].map(place) + step * aside
        axes.errorbar(rows["recall"], heights, xerr=reach, linestyle="", **style)
    texts = [
        f"{name if name == LABEL_NAMES[label] else f'{name} ({LABEL_NAMES[label]})'}\n{stamps} stamps"
        for name, label, stamps in classes.itertuples(index=False)
    ]
    axes.set_yticks(range(len(texts)), texts)
    axes.set_ylim(len(texts) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def _bins(axes: Axes, recalls: pd.DataFrame, *, methods: Sequence[str]) -> None:
    """Points of all models; those of one bin beside each other."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y")
    step = SIDESTEP * np.log(recalls["snr_median"].max() / recalls["snr_median"].min())
    for aside, rows, reach, style in _each_model(recalls, methods=methods):
        places = rows["snr_median"] * np.exp(step * aside)
        axes.errorbar(places, rows["recall"], yerr=reach, linestyle="-", linewidth=0.6, **style)


def _each_model(
    recalls: pd.DataFrame, *, methods: Sequence[str]
) -> Iterator[tuple[float, pd.DataFrame, NDArray[Any], dict[str, Any]]]:
    """Place of every model, 0 in the middle of all; its lines, their intervals (2, n), and its style."""
    compared = models(recalls)
    for index, (method, shots) in enumerate(compared):
        rows = recalls[(recalls["method"] == method) & (recalls["shots"] == shots)]
        # rounded to whole trials, an interval may end a little short of the recall
        reach = np.clip([rows["recall"] - rows["low"], rows["high"] - rows["recall"]], 0, None)
        style = {
            "marker": MARKERS[index % len(MARKERS)],
            "color": method_colour(method, methods),
            "elinewidth": 0.8,
            "label": trained_name(method, shots),
        }
        yield index - (len(compared) - 1) / 2, rows, reach, style
