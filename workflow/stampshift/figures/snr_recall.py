"""One pair: recall by signal-to-noise ratio, the baseline against the adapted models."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from stampshift.config.experiment import BASELINE, Pair
from stampshift.figures.style import BASELINE_COLOUR, PAGE_WIDTH_INCHES, method_colour, styled
from stampshift.stamps.file import LABEL_NAMES
from stampshift.tables.predictions import models, of_model
from stampshift.tables.recall_tables import NO_BIN
from stampshift.tables.wording import pair_title, trained_name

SURVEY_HEIGHT_INCHES = 2.3
MARKERS = "Dosv^"
SIDESTEP = 0.013  # of the axis, between two models of one bin


@styled
def snr_recall_figure(recalls: pd.DataFrame, *, pair: str, methods: Sequence[str]) -> Figure:
    """Recall of reals and of bogus against S/N by every model, a row of panels per survey that has S/N.

    A bin's points stand around the median S/N of its test stamps, each model a little aside so that their
    intervals can be told apart. Stamps without a positive S/N are in the table alone.

    Parameters
    ----------
    recalls
        Of `snr_recalls`.
    pair
        ``"<source>-to-<target>"``.
    methods
        Methods of adaptation, in the order of their colours.
    """
    names = Pair.parse(pair)
    binned = recalls[recalls["bin"] != NO_BIN]
    roles = [("target", names.target), ("source", names.source)]
    shown = [(role, survey) for role, survey in roles if (binned["survey"] == survey).any()]
    figure = Figure(
        figsize=(PAGE_WIDTH_INCHES, 0.7 + SURVEY_HEIGHT_INCHES * len(shown)), layout="constrained"
    )
    grid = figure.subplots(len(shown), len(LABEL_NAMES), sharex="row", sharey=True, squeeze=False)
    for row, (role, survey) in zip(grid, shown, strict=True):
        for axes, label in zip(row, sorted(LABEL_NAMES, reverse=True), strict=True):
            _bins(axes, binned[binned["label"] == label], survey=survey, methods=methods)
            axes.set(title=f"{LABEL_NAMES[label]}, on the {role}, {survey}", xlabel="S/N of the candidate")
        row[0].set_ylabel("recall")
    grid[0, 0].set_ylim(-0.03, 1.03)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    figure.suptitle(pair_title(pair))
    return figure


def _bins(axes: Axes, recalls: pd.DataFrame, *, survey: str, methods: Sequence[str]) -> None:
    """Points of all models; those of one bin beside each other."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y")
    compared = models(recalls)
    medians = recalls.loc[recalls["survey"] == survey, "snr_median"]
    step = SIDESTEP * np.log(medians.max() / medians.min())
    for index, (method, shots) in enumerate(compared):
        rows = of_model(recalls, survey=survey, method=method, shots=shots)
        # rounded to whole trials, an interval may end a little short of the recall itself
        reach = np.clip([rows["recall"] - rows["low"], rows["high"] - rows["recall"]], 0, None)
        axes.errorbar(
            rows["snr_median"] * np.exp(step * (index - (len(compared) - 1) / 2)),
            rows["recall"],
            yerr=reach,
            fmt=f"{MARKERS[index % len(MARKERS)]}-",
            color=BASELINE_COLOUR if method == BASELINE else method_colour(method, methods),
            linewidth=0.6,
            elinewidth=0.8,
            label=trained_name(method, shots),
        )
