"""One pair: boxplots of the balanced accuracy by number of shots."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stampshift.config.experiment import BASELINE, Pair
from stampshift.figures.style import (
    ACCURACY_LABEL,
    BASELINE_COLOUR,
    PAGE_WIDTH_INCHES,
    accuracy_axis,
    accuracy_limits,
    method_colour,
    styled,
)
from stampshift.tables.run_table import select_pair
from stampshift.tables.wording import method_name, pair_title

GROUP_WIDTH = 0.8  # of the distance between two numbers of shots
BOX_ALPHA = 0.6
MEAN_MARKER: Mapping[str, Any] = {
    "marker": "D",
    "markersize": 2.5,
    "markerfacecolor": "white",
    "markeredgecolor": "black",
    "markeredgewidth": 0.7,
}


@styled
def pair_boxplots(runs: pd.DataFrame, *, pair: str, methods: Sequence[str]) -> Figure:
    """Boxplots of one pair by shots, on the target and on the source (thesis Figs 21-32).

    A box is the quartiles over splits with the median, its whiskers reach to 1.5 interquartile
    ranges, every split is a dot, a diamond is the mean; the dashed line is the mean of the baseline
    without adaptation on the same survey.

    Parameters
    ----------
    runs
        The long table of runs, of this pair or of more. The axis starts at 0.4, as for every pair, or
        lower where any of these runs is lower.
    pair
        ``"<source>-to-<target>"``.
    methods
        Methods of adaptation, in the order of the boxes of a group.
    """
    source, target = Pair.parse(pair).source, Pair.parse(pair).target
    chosen = select_pair(runs, source=source, target=target, methods=methods)
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 2.9), layout="constrained")
    for axes, survey, role in zip(
        figure.subplots(1, 2, sharey=True), (target, source), ("target", "source"), strict=True
    ):
        _boxes(axes, chosen[chosen["evaluated_on"] == survey], methods=methods)
        accuracy_axis(axes, limits=accuracy_limits(runs["balanced_accuracy"]))
        axes.set(title=f"on the {role}, {survey}", xlabel=f"labelled {target} stamps per class")
    figure.axes[0].set_ylabel(ACCURACY_LABEL)
    handles: list[Artist] = [
        Patch(
            facecolor=(method_colour(name, methods), BOX_ALPHA),
            edgecolor=method_colour(name, methods),
            label=method_name(name),
        )
        for name in methods
    ]
    handles.append(Line2D([], [], **MEAN_MARKER, linestyle="none", label="mean over splits"))
    handles.append(Line2D([], [], color=BASELINE_COLOUR, linestyle="--", label="baseline, mean over splits"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    figure.suptitle(pair_title(pair))
    return figure


def _boxes(axes: Axes, rows: pd.DataFrame, *, methods: Sequence[str]) -> None:
    """Boxes of one survey, grouped by shots, and the line of the baseline."""
    shots = sorted(set(rows.loc[rows["method"] != BASELINE, "shots"]))
    width = GROUP_WIDTH / len(methods)
    for place, method in enumerate(methods):
        values = [
            rows.loc[(rows["method"] == method) & (rows["shots"] == k), "balanced_accuracy"].to_numpy()
            for k in shots
        ]
        positions = np.arange(len(shots)) + width * (place - (len(methods) - 1) / 2)
        colour = method_colour(method, methods)  # outlines too: a narrow box is little more than its outline
        axes.boxplot(
            values,
            positions=positions,
            widths=0.85 * width,
            manage_ticks=False,
            patch_artist=True,
            showfliers=False,
            showmeans=True,
            label=method,
            boxprops={"facecolor": (colour, BOX_ALPHA), "edgecolor": colour},
            medianprops={"color": "black"},
            whiskerprops={"color": colour},
            capprops={"color": colour},
            meanprops={**MEAN_MARKER, "zorder": 4},
        )
        for position, dots in zip(positions, values, strict=True):
            offsets = np.linspace(-0.2, 0.2, len(dots)) * width if len(dots) > 1 else [0.0]
            axes.plot(position + offsets, dots, ".", color="black", markersize=2, alpha=0.6, zorder=3)
    mean = rows.loc[rows["method"] == BASELINE, "balanced_accuracy"].mean()
    axes.axhline(mean, color=BASELINE_COLOUR, linestyle="--", label=BASELINE, zorder=1)
    axes.set_xticks(np.arange(len(shots)), [str(k) for k in shots])
    axes.set_xlim(-0.6, len(shots) - 0.4)
