"""One pair: ROC curves, and missed against false detections."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.config.experiment import BASELINE, Pair
from stampshift.figures.style import BASELINE_COLOUR, CHOICE_COLOUR, PAGE_WIDTH_INCHES, method_colour, styled
from stampshift.tables.predictions import models, of_model
from stampshift.tables.wording import pair_title, trained_name

LOWEST_RATE = 1e-3  # of the logarithmic axes
BAND_ALPHA = 0.15
GUIDE: Mapping[str, Any] = {"color": CHOICE_COLOUR, "linewidth": 0.5, "alpha": 0.7, "zorder": 1}


@styled
def detection_curves(
    curves: pd.DataFrame,
    *,
    pair: str,
    methods: Sequence[str],
    operating_points: Mapping[str, Sequence[float]],
) -> Figure:
    """Draw the mean ROC curves (above) and MDR-FPR curves (below) of a pair's models, on target and source.

    Bands reach from the lowest to the highest split; models with the fewest shots have none.

    Parameters
    ----------
    curves
        Of `mean_curves`.
    pair
        ``"<source>-to-<target>"``.
    methods
        Methods of adaptation, in the order of their colours.
    operating_points
        Rates (``mdr`` and ``fpr``) that the table reads off, drawn as guides.
    """
    names = Pair.parse(pair)
    most = curves["shots"].max()
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 5.6), layout="constrained")
    grid = figure.subplots(2, 2, sharex="row", sharey="row")
    for column, (role, survey) in enumerate((("target", names.target), ("source", names.source))):
        roc, rates = grid[:, column]
        for method, shots in models(curves):
            rows = of_model(curves, survey=survey, method=method, shots=shots)
            line = _line(method, shots, most=most, methods=methods)
            roc.plot(rows["fpr"], 1 - rows["mean"], **line)
            rates.plot(rows["fpr"], rows["mean"], **line)
            if line["linestyle"] != ":":
                band: dict[str, Any] = {"color": line["color"], "alpha": BAND_ALPHA, "linewidth": 0}
                roc.fill_between(rows["fpr"], 1 - rows["high"], 1 - rows["low"], **band)
                rates.fill_between(rows["fpr"], rows["low"], rows["high"], **band)
        for rate in operating_points["mdr"]:
            rates.axhline(rate, **GUIDE)
        for rate in operating_points["fpr"]:
            rates.axvline(rate, **GUIDE)
        roc.set(title=f"on the {role}, {survey}", xlabel="false-positive rate (FPR)")
        rates.set(xlabel="false-positive rate (FPR)")
    _axes(grid[0, 0], grid[1, 0])
    for axes in grid.flat:
        axes.grid(visible=True)
    handles, _ = grid[0, 0].get_legend_handles_labels()
    handles.append(Line2D([], [], **GUIDE, label="rates of the operating points"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(pair_title(pair))
    return figure


def _line(method: str, shots: int, *, most: int, methods: Sequence[str]) -> dict[str, Any]:
    """Style of a model's line: dashed for the baseline, dotted for the fewest shots."""
    baseline = method == BASELINE
    return {
        "color": BASELINE_COLOUR if baseline else method_colour(method, methods),
        "linestyle": "--" if baseline else "-" if shots == most else ":",
        "label": trained_name(method, shots),
    }


def _axes(roc: Axes, rates: Axes) -> None:
    """Same axes for every pair, so that figures can be compared."""
    roc.set(xlim=(0, 1), ylim=(0, 1.005), ylabel="true-positive rate")
    rates.set(xscale="log", yscale="log", xlim=(LOWEST_RATE, 1), ylim=(LOWEST_RATE, 1))
    rates.set_ylabel("missed-detection rate (MDR)")
