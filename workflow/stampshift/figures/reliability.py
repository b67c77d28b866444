"""One pair: reliability diagrams before and after temperature scaling."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stampshift.config.experiment import BASELINE, Pair
from stampshift.figures.style import BASELINE_COLOUR, PAGE_WIDTH_INCHES, method_colour, styled
from stampshift.tables.predictions import models, of_model
from stampshift.tables.wording import pair_title, trained_name

SMALLEST_BIN = 10  # stamps; the share of fewer says nothing
SMALLEST_MARKER, LARGEST_MARKER = 3.0, 90.0  # areas in square points: of no stamp, and of all


@styled
def reliability_diagrams(curves: pd.DataFrame, *, pair: str, methods: Sequence[str]) -> Figure:
    """Share of reals against the score, before (above) and after scaling, on the target and on the source.

    A dot's area tells its bin's share of the survey's test stamps; a bin of fewer than ten, all splits
    together, is not drawn. On the diagonal, scores are what they claim to be.

    Parameters
    ----------
    curves
        Of `reliability_curves`.
    pair
        ``"<source>-to-<target>"``.
    methods
        Methods of adaptation, in the order of their colours.
    """
    names = Pair.parse(pair)
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 5.9), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    for row, scaling in enumerate(("before", "after")):
        for column, (role, survey) in enumerate((("target", names.target), ("source", names.source))):
            axes = grid[row, column]
            axes.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8, zorder=1)
            for method, shots in models(curves):
                chosen = of_model(curves, survey=survey, method=method, shots=shots)
                colour = BASELINE_COLOUR if method == BASELINE else method_colour(method, methods)
                _points(
                    axes,
                    chosen[chosen["scaling"] == scaling],
                    colour=colour,
                    label=trained_name(method, shots),
                )
            axes.set_title(f"{scaling} temperature scaling, on the {role}, {survey}")
            axes.grid(visible=True)
    grid[0, 0].set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for axes in grid[:, 0]:
        axes.set_ylabel("share of reals")
    for axes in grid[-1]:
        axes.set_xlabel("score, P(real)")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    figure.suptitle(pair_title(pair))
    return figure


def _points(axes: Axes, rows: pd.DataFrame, *, colour: str, label: str) -> None:
    score = rows["mean_score"]
    share = rows["share_real"].where(rows["count"] >= SMALLEST_BIN)  # a bin left out breaks the line
    areas = SMALLEST_MARKER + LARGEST_MARKER * rows["count"] / rows["count"].sum()
    axes.plot(score, share, color=colour, label=label, linewidth=0.7)
    axes.scatter(score, share, areas, color=colour, alpha=0.7, linewidths=0, zorder=3)
