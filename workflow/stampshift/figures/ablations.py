"""Ablations: how much a variant gains or loses against its method, run by run."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stampshift.config.experiment import BASELINE
from stampshift.figures.style import BASELINE_COLOUR, PAGE_WIDTH_INCHES, styled
from stampshift.tables.change_tables import ROLES, compare_variants
from stampshift.tables.wording import counted, method_name, variant_name

ROW_INCHES = 0.36
DODGE = 0.22  # between two numbers of shots of a line
SHOT_COLOURS = ("#56B4E9", "#0072B2", "#E69F00", "#D55E00", "#333333")  # Okabe & Ito (2008)
SHOT_MARKERS = ("o", "s", "D", "^", "v")


@styled
def ablation_differences(
    runs: pd.DataFrame, *, names: Sequence[str], variant_names: Mapping[str, str], reference: str
) -> Figure:
    """Paired difference of every variant from the reference, on the target and on the source.

    Points are means over splits and pairs, a colour and marker per number of shots, small dots the single
    differences, bars their sample standard deviation; left of zero a variant is worse than the reference.

    Parameters
    ----------
    runs
        The long table of runs.
    names
        Methods and variants, in the order of the lines, the reference among them.
    variant_names
        Names in print of the variants.
    reference
        Method that the variants are of.
    """
    paired = compare_variants(runs, names=names, reference=reference)
    lines = [name for name in (BASELINE, *names) if name != reference]
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 1.1 + ROW_INCHES * len(lines)), layout="constrained")
    panels = figure.subplots(1, len(ROLES), sharex=True, sharey=True)
    for axes, role in zip(panels, ROLES, strict=True):
        _panel(axes, paired[paired["role"] == role], lines=lines)
        axes.set(title=f"on the {role}", xlabel=f"balanced accuracy less that of {method_name(reference)}")
    panels[0].set_yticks(range(len(lines)), [variant_name(name, variant_names) for name in lines])
    panels[0].invert_yaxis()
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(texts))
    figure.suptitle(f"Variants of {method_name(reference)}")
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, *, lines: Sequence[str]) -> None:
    """Differences on one survey of the pair, a line per variant."""
    shots = sorted(set(rows["shots"]))
    step = min(DODGE, 0.7 / len(shots))
    axes.axvline(0, color=BASELINE_COLOUR, linestyle="--", linewidth=0.8, zorder=1)
    for place, count in enumerate(shots):
        offset = step * (place - (len(shots) - 1) / 2)
        colour = SHOT_COLOURS[place % len(SHOT_COLOURS)]
        values = [
            rows.loc[(rows["method"] == name) & (rows["shots"] == count), "difference"].to_numpy()
            for name in lines
        ]
        heights = np.arange(len(lines)) + offset
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
