"""Our numbers beside the published ones, all at a glance."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stampshift.config.experiment import BASELINE
from stampshift.figures.style import (
    ACCURACY_LABEL,
    BASELINE_COLOUR,
    PAGE_WIDTH_INCHES,
    accuracy_limits,
    method_colour,
    styled,
)
from stampshift.tables.significance import PUBLISHED_SPLITS
from stampshift.tables.wording import method_name

WITHIN = 2  # combined standard errors: what chance alone makes of most differences


@styled
def beside_published(numbers: pd.DataFrame) -> Figure:
    """Ours against published, and their difference in combined standard errors.

    Parameters
    ----------
    numbers
        Numbers of `evaluation.published.beside_published_table`.
    """
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    methods = list(dict.fromkeys(numbers["method"]))
    for method in methods:
        rows = numbers[numbers["method"] == method]
        _against(left, rows, colour=_colour(method, methods), label=method_name(method))
    values = numbers[["mean", "published_mean"]].to_numpy(float)
    limits = accuracy_limits(values)
    left.plot(limits, limits, color="#999999", linewidth=0.8, zorder=0)
    left.set(xlim=limits, ylim=limits, xlabel=f"published {ACCURACY_LABEL}", ylabel=f"our {ACCURACY_LABEL}")
    left.set_aspect("equal")
    left.legend(loc="upper left")
    _deviations(right, numbers, methods)
    return figure


def _against(axes: Axes, rows: pd.DataFrame, *, colour: str, label: str) -> None:
    axes.errorbar(
        rows["published_mean"],
        rows["mean"],
        xerr=rows["published_std"] / np.sqrt(PUBLISHED_SPLITS),
        yerr=rows["std"] / np.sqrt(rows["splits"]),
        fmt="o",
        color=colour,
        elinewidth=0.5,
        label=label,
    )


def _deviations(axes: Axes, numbers: pd.DataFrame, methods: list[str]) -> None:
    """A row of points per method and survey on which it was evaluated, spread by number of shots."""
    groups = [
        (f"{method_name(method)},\non {'target' if on_target else 'source'}", rows, method)
        for method in methods
        for on_target, rows in numbers[numbers["method"] == method].groupby(
            numbers["evaluated_on"] != numbers["source"]
        )
    ]
    for position, (_, rows, method) in enumerate(groups):
        offsets = (rows["shots"].rank(method="dense") - 1) * 0.12
        offsets -= offsets.max() / 2
        axes.plot(rows["deviation"], position + offsets, "o", color=_colour(method, methods), alpha=0.7)
    axes.axvspan(-WITHIN, WITHIN, color="#eeeeee", zorder=0)
    axes.axvline(0, color="#999999", linewidth=0.8, zorder=0)
    widest = float(np.nanmax([1.5 * WITHIN, *numbers["deviation"].abs()]))
    axes.set(xlim=(-1.05 * widest, 1.05 * widest), xlabel="ours - published (combined standard errors)")
    axes.set_yticks(range(len(groups)), [label for label, _, _ in groups])
    axes.invert_yaxis()


def _colour(method: str, methods: list[str]) -> str:
    if method == BASELINE:
        return BASELINE_COLOUR
    return method_colour(method, [name for name in methods if name != BASELINE])
