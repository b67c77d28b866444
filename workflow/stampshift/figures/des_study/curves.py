"""Detection curves of all models of a part."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.evaluation.des_study.models import model_name
from stampshift.evaluation.des_study.performance import PARTS
from stampshift.evaluation.labels import title_note
from stampshift.figures.curves import GUIDE, LOWEST_RATE
from stampshift.figures.style import PAGE_WIDTH_INCHES, model_line, styled

CORNER = 0.1  # of the ROC curve, enlarged: FPR to 0.1, TPR from 0.9
PUBLISHED: dict[str, Any] = {"color": "black", "marker": "*", "markersize": 7, "linestyle": "none"}
MARKER: dict[str, Any] = {"marker": "o", "markersize": 3.5}


@styled
def detection_figure(
    curves: pd.DataFrame,
    performance: pd.DataFrame,
    *,
    mdr: float,
    published: pd.DataFrame | None,
    part: str,
    simulated: bool,
) -> Figure:
    """Draw false against missed detections (left) and the ROC curve with its corner enlarged (right).

    Parameters
    ----------
    curves
        Of `performance.curves`.
    performance
        Of `performance`, whose operating points are marked on the curves with their intervals.
    mdr
        Missed-detection rate of the operating points, drawn as a guide.
    published
        Columns ``mdr`` and ``fpr``: operating points of the published forest; None on simulated surveys,
        whose numbers stand beside no published ones.
    part
        Key of `PARTS`.
    simulated
        Whether the survey is simulated, which the title then says.
    """
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 3.9), layout="constrained")
    rates, roc = figure.subplots(1, 2)
    corner = roc.inset_axes((0.34, 0.14, 0.62, 0.62))
    for model, rows in curves.groupby("model", sort=False):
        line = model_line(str(model))
        rates.plot(rows["mdr"], rows["fpr"], **line, label=model_name(str(model)))
        for axes in (roc, corner):
            axes.plot(rows["fpr"], 1 - rows["mdr"], **line)
    rates.axvline(mdr, **GUIDE)
    handles, _ = rates.get_legend_handles_labels()
    handles.append(Line2D([], [], **GUIDE, label=f"MDR {mdr:g}, with intervals"))
    if published is not None:
        handles += rates.plot(published["mdr"], published["fpr"], **PUBLISHED, label="published forest")
    _points(rates, performance, mdr=mdr)
    limits = (LOWEST_RATE, 1)
    rates.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    rates.set(xlabel="missed-detection rate (MDR)", ylabel="false-positive rate (FPR)")
    roc.set(xlim=(0, 1), ylim=(0, 1.005), xlabel="false-positive rate (FPR)", ylabel="true-positive rate")
    corner.set(xlim=(0, CORNER), ylim=(1 - CORNER, 1))
    roc.indicate_inset_zoom(corner, edgecolor="black", linewidth=0.5)
    for axes in (rates, roc, corner):
        axes.grid(visible=True)
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle(title_note(f"DES study, {PARTS[part]}", simulated=simulated))
    return figure


def _points(axes: Axes, performance: pd.DataFrame, *, mdr: float) -> None:
    """Operating points with their intervals, side by side so that none hides another."""
    own = performance[performance["stamps"] == "own"]
    for place, row in enumerate(own.to_dict("records")):
        beside = mdr * 1.06 ** (place - (len(own) - 1) / 2)
        bars = [[row["fpr_at_mdr"] - row["low"]], [row["high"] - row["fpr_at_mdr"]]]
        colour = model_line(row["model"])["color"]
        axes.errorbar([beside], [row["fpr_at_mdr"]], yerr=bars, color=colour, elinewidth=0.9, **MARKER)
