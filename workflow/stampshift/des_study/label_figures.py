"""Figures of corrected and of voted labels: a review's queue, and a new survey before and after training."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.des_study.new_survey import PUBLISHED_CUTOFF, TRAININGS
from stampshift.figures.score_figures import GUIDE, LOWEST_RATE
from stampshift.figures.style import (
    BASELINE_COLOUR,
    CHOICE_COLOUR,
    METHOD_COLOURS,
    PAGE_WIDTH_INCHES,
    model_line,
    styled,
)
from stampshift.tables.wording import model_name

FOUND_COLOUR = METHOD_COLOURS["mme"]
RATE_COLOURS = {"mdr": METHOD_COLOURS["mme"], "fpr": METHOD_COLOURS["finetune"]}


@styled
def review_figure(queue: pd.DataFrame) -> Figure:
    """Draw the planted flips found by number reviewed, and precision against recall, of a `review_queue`."""
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


@styled
def new_survey_figure(curves: pd.DataFrame, cutoffs: pd.DataFrame, *, survey: str) -> Figure:
    """Draw detection curves, both rates against the cutoff, and cleanliness against missed detections.

    `curves` and `cutoffs` are of `performance.curves` and `cutoff_curves`, of the models ``before`` and
    ``after``.
    """
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 3.0), layout="constrained")
    detection, rates, clean = figure.subplots(1, 3)
    for model in TRAININGS:
        line, rows = model_line(model), curves[curves["model"] == model]
        detection.plot(rows["mdr"], rows["fpr"], **line)
        rows = cutoffs[cutoffs["model"] == model]
        clean.plot(rows["mdr"], rows["cleanliness"], **line)
        for rate, colour in RATE_COLOURS.items():
            rates.plot(rows["cutoff"], rows[rate], color=colour, linestyle=line["linestyle"])
    rates.axvline(PUBLISHED_CUTOFF, **GUIDE)
    limits = (LOWEST_RATE, 1)
    detection.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    detection.set(xlabel="missed-detection rate (MDR)", ylabel="false-positive rate (FPR)")
    rates.set(xlim=(0, 1), ylim=(0, 1), xlabel="cutoff of the score", ylabel="rate")
    clean.set(xlim=(0, 1), ylim=(0, 1.005), xlabel="missed-detection rate (MDR)")
    clean.set_ylabel("share of passed that are real")
    for axes in (detection, rates, clean):
        axes.grid(visible=True)
    _legends(figure, rates)
    figure.suptitle(f"{survey}, labelled by votes")
    return figure


def _legends(figure: Figure, rates: Axes) -> None:
    models = [Line2D([], [], **model_line(model), label=model_name(model)) for model in TRAININGS]
    models.append(Line2D([], [], **GUIDE, label=f"cutoff {PUBLISHED_CUTOFF:g}"))
    figure.legend(handles=models, loc="outside lower center", ncols=len(models))
    names = [Line2D([], [], color=colour, label=rate.upper()) for rate, colour in RATE_COLOURS.items()]
    rates.legend(handles=names, loc="upper center")
