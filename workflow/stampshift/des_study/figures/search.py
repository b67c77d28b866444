"""What a review finds as it goes down the queue of candidates."""

import pandas as pd
from matplotlib.figure import Figure

from stampshift.figures.style import (
    BASELINE_COLOUR,
    CHOICE_COLOUR,
    METHOD_COLOURS,
    PAGE_WIDTH_INCHES,
    styled,
)

FOUND_COLOUR = METHOD_COLOURS["mme"]


@styled
def review_figure(queue: pd.DataFrame) -> Figure:
    """Share of the planted flips found by number reviewed (left), and precision against recall (right).

    Parameters
    ----------
    queue
        Of `review_queue`.
    """
    flips, stamps, last = queue["flips"].iloc[0], queue["stamps"].iloc[0], queue.iloc[-1]
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 3.0), layout="constrained")
    found, precision = figure.subplots(1, 2)
    end = last["reviewed"]
    best = [0, min(flips, end), end]
    found.plot(
        best, [number / flips for number in best[:2]] + [min(flips, end) / flips], ":", color=BASELINE_COLOUR
    )
    found.plot([0, end], [0, end / stamps], "--", color=BASELINE_COLOUR)
    found.plot([0, *queue["reviewed"]], [0, *queue["recall"]], color=FOUND_COLOUR)
    found.plot(end, last["recall"], "o", color=CHOICE_COLOUR, zorder=4)
    lines = dict(
        zip(
            ("at best", "stamps drawn at random", "most suspicious first", "whole queue"),
            found.lines,
            strict=True,
        )
    )
    precision.plot(queue["recall"], queue["precision"], color=FOUND_COLOUR)
    precision.axhline(flips / stamps, linestyle="--", color=BASELINE_COLOUR)
    precision.plot(last["recall"], last["precision"], "o", color=CHOICE_COLOUR, zorder=4)
    found.set(
        xlim=(0, 1.03 * end),
        ylim=(0, 1.03),
        xlabel="candidates reviewed",
        ylabel="share of planted flips found",
    )
    precision.set(xlim=(0, 1.03), ylim=(0, 1.03), xlabel="share of planted flips found (recall)")
    precision.set_ylabel("flipped among reviewed (precision)")
    for axes in (found, precision):
        axes.grid(visible=True)
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=4)
    figure.suptitle(f"Search for {flips:,} planted flips among {stamps:,} stamps")
    return figure
