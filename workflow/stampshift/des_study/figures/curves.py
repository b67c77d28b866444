"""Detection curves of all models of a part."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.des_study.models import model_name
from stampshift.des_study.performance import OWN
from stampshift.figures.curves import GUIDE, LOWEST_RATE
from stampshift.figures.style import PAGE_WIDTH_INCHES, model_line, styled

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
PANELS: list[Any] = [["rates", "roc"], ["points", "points"]]
HEIGHTS_INCHES = (3.0, 0.17)  # of the upper panels, and per model of the lower one


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

    Parameters
    ----------
    curves
        Of `performance.curves`.
    performance
        Of `performance.performance`: operating points, drawn with their intervals.
    mdr
        Missed-detection rate of the operating points, drawn as a guide.
    published
        Columns ``mdr`` and ``fpr``: operating points of the published forest; None on simulated surveys,
        whose numbers stand beside no published ones.
    part
        ``first`` or ``second``.
    """
    own = performance[performance["stamps"] == OWN].iloc[::-1]
    heights = (HEIGHTS_INCHES[0], HEIGHTS_INCHES[1] * (len(own) + 1))
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 1.4 + sum(heights)), layout="constrained")
    panels = figure.subplot_mosaic(PANELS, height_ratios=heights)
    rates, roc = panels["rates"], panels["roc"]
    corner = roc.inset_axes((0.34, 0.14, 0.62, 0.62))
    for model, rows in curves.groupby("model", sort=False):
        line = model_line(str(model))
        rates.plot(rows["mdr"], rows["fpr"], **line, label=model_name(str(model)))
        for axes in (roc, corner):
            axes.plot(rows["fpr"], 1 - rows["mdr"], **line)
    rates.axvline(mdr, **GUIDE)
    handles, _ = rates.get_legend_handles_labels()
    handles.append(Line2D([], [], **GUIDE, label=f"MDR {mdr:g}"))
    if published is not None:
        handles += rates.plot(published["mdr"], published["fpr"], **PUBLISHED, label="published forest")
    limits = (LOWEST_RATE, 1)
    rates.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    rates.set(xlabel="missed-detection rate (MDR)", ylabel="false-positive rate (FPR)")
    roc.set(xlim=(0, 1), ylim=(0, 1.005), xlabel="false-positive rate (FPR)", ylabel="true-positive rate")
    corner.set(xlim=(0, CORNER), ylim=(1 - CORNER, 1))
    roc.indicate_inset_zoom(corner, edgecolor="black", linewidth=0.5)
    for axes in (rates, roc, corner):
        axes.grid(visible=True)
    _points(panels["points"], own, mdr=mdr)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle(f"DES study, {part} part")
    return figure


def _points(axes: Axes, performance: pd.DataFrame, *, mdr: float) -> None:
    """Operating point of every model with its interval, the first model on top."""
    for place, row in enumerate(performance.to_dict("records")):
        colour = model_line(row["model"])["color"]
        axes.plot([row["low"], row["high"]], [place, place], color=colour)
        axes.plot([row["fpr_at_mdr"]], [place], "o", color=colour)
    axes.set_yticks(range(len(performance)), [model_name(model) for model in performance["model"]])
    axes.set(xlabel=f"FPR at MDR {mdr:g}, with interval", ylim=(-0.6, len(performance) - 0.4))
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
