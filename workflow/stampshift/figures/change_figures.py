"""Differences of balanced accuracy: of variants, by adaptation, and from the published numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import setp
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.config.experiment import BASELINE
from stampshift.figures.style import (
    ACCURACY_LABEL,
    BASELINE_COLOUR,
    SHOTS_COLOUR_RANGE,
    SHOTS_COLOURS,
    accuracy_limits,
    finished,
    method_colour,
    new_figure,
    panel_grid,
    styled,
)
from stampshift.tables.change_tables import ROLES, compare_variants
from stampshift.tables.significance import PUBLISHED_SPLITS
from stampshift.tables.wording import counted, method_name, variant_name

ROW_INCHES = 0.36
DODGE = 0.22  # between two numbers of shots of a line
SHOT_COLOURS = ("#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#333333")  # Okabe & Ito (2008)
SHOT_MARKERS = ("o", "s", "D", "^", "v")
PAIR: Mapping[str, Any] = {"linestyle": "", "marker": "o", "alpha": 0.75, "markeredgewidth": 0}
MEAN: Mapping[str, Any] = {"color": "black", "marker": "o", "markersize": 6, "zorder": 4}
MARGIN = 0.02
WITHIN = 2  # combined standard errors: what chance alone makes of most differences


@styled
def ablation_differences(
    runs: pd.DataFrame, *, names: Sequence[str], variant_names: Mapping[str, str], reference: str
) -> Figure:
    """Paired difference of every variant from the reference, on the target and on the source.

    Points are means over splits and pairs, a colour and marker per number of shots, small dots the single
    differences, bars their sample standard deviation; left of zero a variant is worse than the reference.
    Lines are in the order of `names`, methods and variants.
    """
    paired = compare_variants(runs, names=names, reference=reference)
    lines = [name for name in (BASELINE, *names) if name != reference]
    figure = new_figure(1.1 + ROW_INCHES * len(lines))
    panels = figure.subplots(1, len(ROLES), sharex=True, sharey=True)
    for axes, role in zip(panels, ROLES, strict=True):
        _differences(axes, paired[paired["role"] == role], lines=lines)
        axes.set(title=f"on the {role}", xlabel=f"balanced accuracy less that of {method_name(reference)}")
    panels[0].set_yticks(range(len(lines)), [variant_name(name, variant_names) for name in lines])
    panels[0].invert_yaxis()
    return finished(figure, f"Variants of {method_name(reference)}", legend=panels[0])


@styled
def retention_figure(retention: pd.DataFrame, *, methods: Sequence[str]) -> Figure:
    """Source accuracy lost against target accuracy won, from `retention`; the upper left is where to be.

    A panel per method holds a point per pair and number of shots, which is its colour. The black line goes
    through the means over pairs, from the fewest to the most shots.
    """
    shots = sorted(set(retention["shots"]))
    shades = colormaps[SHOTS_COLOURS](np.linspace(*SHOTS_COLOUR_RANGE, len(shots)))
    colours = dict(zip(shots, map(to_hex, shades), strict=True))
    figure, grid = panel_grid(len(methods), panel_inches=2.9, legend_inches=1.1, shared=True)
    for axes, method in zip(grid.flat, methods, strict=False):
        _lost_and_won(axes, retention[retention["method"] == method], colours=colours)
        axes.set(title=method_name(method), xlabel="balanced accuracy lost on the source")
    limits = {
        f"{axis}lim": (min(0, retention[name].min()) - MARGIN, max(0, retention[name].max()) + MARGIN)
        for axis, name in (("x", "lost"), ("y", "won"))
    }
    grid[0, 0].set(**limits)
    setp(grid[:, 0], ylabel="balanced accuracy won on the target")
    legend = [
        Line2D([], [], **PAIR, color=colour, label=counted(count, "shot"))
        for count, colour in colours.items()
    ]
    legend.append(Line2D([], [], **MEAN, markerfacecolor="white", label="mean over pairs"))
    return finished(figure, "What adaptation costs and what it gains", legend=legend)


@styled
def beside_published(numbers: pd.DataFrame) -> Figure:
    """Ours against published (`beside_published_table`), and their difference in combined standard errors."""
    figure = new_figure(3.4)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    methods = list(dict.fromkeys(numbers["method"]))
    colours = {name: method_colour(name, methods) for name in methods}
    for method, colour in colours.items():
        rows = numbers[numbers["method"] == method]
        left.errorbar(
            rows["published_mean"],
            rows["mean"],
            xerr=rows["published_std"] / np.sqrt(PUBLISHED_SPLITS),
            yerr=rows["std"] / np.sqrt(rows["splits"]),
            fmt="o",
            color=colour,
            elinewidth=0.5,
            label=method_name(method),
        )
    limits = accuracy_limits(numbers[["mean", "published_mean"]].to_numpy(float))
    left.plot(limits, limits, color="#999999", linewidth=0.8, zorder=0)
    left.set(xlim=limits, ylim=limits, xlabel=f"published {ACCURACY_LABEL}", ylabel=f"our {ACCURACY_LABEL}")
    left.set_aspect("equal")
    left.legend(loc="upper left")
    _deviations(right, numbers, colours=colours)
    return figure


def _differences(axes: Axes, rows: pd.DataFrame, *, lines: Sequence[str]) -> None:
    """Differences on one survey of the pair, a line per variant."""
    shots = sorted(set(rows["shots"]))
    step = min(DODGE, 0.7 / len(shots))
    axes.axvline(0, color=BASELINE_COLOUR, linestyle="--", linewidth=0.8, zorder=1)
    for place, count in enumerate(shots):
        colour = SHOT_COLOURS[place % len(SHOT_COLOURS)]
        values = [
            rows.loc[(rows["method"] == name) & (rows["shots"] == count), "difference"].to_numpy()
            for name in lines
        ]
        heights = np.arange(len(lines)) + step * (place - (len(shots) - 1) / 2)
        heights, values = (
            heights[[len(single) > 0 for single in values]],
            [each for each in values if len(each)],
        )
        for height, single in zip(heights, values, strict=True):
            axes.plot(single, np.full(len(single), height), ".", color=colour, markersize=2, alpha=0.4)
        axes.errorbar(
            [single.mean() for single in values],
            heights,
            xerr=[single.std(ddof=1) if len(single) > 1 else 0.0 for single in values],  # one has no bar
            fmt=SHOT_MARKERS[place % len(SHOT_MARKERS)],
            color=colour,
            elinewidth=0.8,
            label=counted(count, "shot"),
            zorder=3,
        )
    axes.grid(axis="x")


def _lost_and_won(axes: Axes, points: pd.DataFrame, *, colours: Mapping[int, str]) -> None:
    axes.axhline(0, color="#888888", linewidth=0.7, zorder=1)
    axes.axvline(0, color="#888888", linewidth=0.7, zorder=1)
    axes.grid(visible=True)
    means = points.groupby("shots")[["lost", "won"]].mean()
    axes.plot(means["lost"], means["won"], color="black", zorder=3, label="mean over pairs")
    for shots, colour in colours.items():
        own = points[points["shots"] == shots]
        axes.plot(own["lost"], own["won"], **PAIR, color=colour, label=counted(shots, "shot"))
        if len(own):
            axes.plot(*means.loc[shots], **MEAN, markerfacecolor=colour)


def _deviations(axes: Axes, numbers: pd.DataFrame, *, colours: Mapping[str, str]) -> None:
    """A row of points per method and survey on which it was evaluated, spread by number of shots."""
    names: list[str] = []
    on_target = (numbers["evaluated_on"] != numbers["source"]).map({False: "source", True: "target"})
    for method, colour in colours.items():
        for role, rows in numbers[numbers["method"] == method].groupby(on_target):
            offsets = (rows["shots"].rank(method="dense") - 1) * 0.12
            offsets -= offsets.max() / 2
            axes.plot(rows["deviation"], len(names) + offsets, "o", color=colour, alpha=0.7)
            names.append(f"{method_name(method)},\non {role}")
    axes.axvspan(-WITHIN, WITHIN, color="#eeeeee", zorder=0)
    axes.axvline(0, color="#999999", linewidth=0.8, zorder=0)
    widest = float(np.nanmax([1.5 * WITHIN, *numbers["deviation"].abs()]))
    axes.set(xlim=(-1.05 * widest, 1.05 * widest), xlabel="ours - published (combined standard errors)")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
