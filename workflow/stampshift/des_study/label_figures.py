"""Figures of corrected and of voted labels: a review's queue, and a new survey before and after training."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.des_study.new_survey import PUBLISHED_CUTOFF, TRAININGS
from stampshift.des_study.part_figures import detection_lines
from stampshift.des_study.rankings import RANKINGS
from stampshift.des_study.search_success import GROUPS, SHARES
from stampshift.figures.score_figures import GUIDE
from stampshift.figures.style import (
    BASELINE_COLOUR,
    CHOICE_COLOUR,
    METHOD_COLOURS,
    finished,
    model_line,
    new_figure,
    styled,
)

FOUND_COLOUR = METHOD_COLOURS["mme"]
AXES = {"precision": "flipped among candidates", "recall": "flips that are candidates"}
RANKING_COLOURS = (METHOD_COLOURS["mme"], METHOD_COLOURS["finetune"])
RATE_COLOURS = {"mdr": METHOD_COLOURS["mme"], "fpr": METHOD_COLOURS["finetune"]}


@styled
def review_figure(queue: pd.DataFrame) -> Figure:
    """Draw the planted flips found by number reviewed, and precision against recall, of a `review_queue`."""
    flips, stamps, last = queue["flips"].iloc[0], queue["stamps"].iloc[0], queue.iloc[-1]
    figure = new_figure(3.0)
    found, precision = figure.subplots(1, 2)
    end = last["reviewed"]
    best = [0, min(flips, end), end]
    found.plot(best, np.minimum(best, flips) / flips, ":", color=BASELINE_COLOUR, label="at best")
    found.plot([0, end], [0, end / stamps], "--", color=BASELINE_COLOUR, label="stamps drawn at random")
    reviewed, recall = [0, *queue["reviewed"]], [0, *queue["recall"]]
    found.plot(reviewed, recall, color=FOUND_COLOUR, label="most suspicious first")
    found.plot(end, last["recall"], "o", color=CHOICE_COLOUR, zorder=4, label="whole queue")
    found.set(xlim=(0, 1.03 * end), xlabel="candidates reviewed", ylabel="share of planted flips found")
    precision.plot(queue["recall"], queue["precision"], color=FOUND_COLOUR)
    precision.axhline(flips / stamps, linestyle="--", color=BASELINE_COLOUR)
    precision.plot(last["recall"], last["precision"], "o", color=CHOICE_COLOUR, zorder=4)
    precision.set(xlim=(0, 1.03), xlabel="share of planted flips found (recall)")
    precision.set_ylabel("flipped among reviewed (precision)")
    for axes in (found, precision):
        axes.set_ylim(0, 1.03)
        axes.grid(visible=True)
    return finished(figure, f"Search for {flips:,} planted flips among {stamps:,} stamps", legend=found)


@styled
def causes_figure(numbers: pd.DataFrame) -> Figure:
    """Draw recall and precision of the search by group of stamps, of the numbers of `search_success`."""
    figure = new_figure(2.6)
    places = np.arange(len(numbers))
    panels = figure.subplots(1, len(SHARES), sharey=True)
    for axes, share, of in zip(panels, SHARES, ("candidates", "flipped"), strict=True):
        value = numbers[share].to_numpy()
        reach = [value - numbers[f"{share}_low"], numbers[f"{share}_high"] - value]
        axes.errorbar(value, places, xerr=np.abs(reach), fmt="o", color=FOUND_COLOUR, capsize=2)
        for place, found, known in zip(places, numbers["found"], numbers[of], strict=True):
            axes.annotate(f"{found}/{known}", (1.04, place), va="center", annotation_clip=False)
        axes.set(xlim=(0, 1.03), xlabel=f"{share} ({AXES[share]})")
        axes.grid(visible=True, axis="x")
    panels[0].set_yticks(places, [GROUPS[group] for group in numbers["group"]])
    panels[0].invert_yaxis()
    return finished(figure, "Search for planted flips by cause", legend=())


@styled
def ranking_figure(queues: pd.DataFrame) -> Figure:
    """Draw precision by number reviewed, and precision against recall, of both `ranked_queues`."""
    figure = new_figure(3.0)
    by_number, by_recall = figure.subplots(1, 2, sharey=True)
    for (ranking, queue), colour in zip(queues.groupby("ranking", sort=False), RANKING_COLOURS, strict=True):
        by_number.plot(queue["reviewed"], queue["precision"], color=colour, label=RANKINGS[str(ranking)])
        by_recall.plot(queue["recall"], queue["precision"], color=colour)
    random = queues["flips"].iloc[0] / queues["stamps"].iloc[0]
    by_number.axhline(random, linestyle="--", color=BASELINE_COLOUR, label="stamps drawn at random")
    by_recall.axhline(random, linestyle="--", color=BASELINE_COLOUR)
    by_number.set(xlim=(0, None), ylim=(0, 1.03), xlabel="candidates reviewed")
    by_number.set_ylabel("flipped among reviewed (precision)")
    by_recall.set(xlim=(0, 1.03), xlabel="share of planted flips found (recall)")
    for axes in (by_number, by_recall):
        axes.grid(visible=True)
    return finished(figure, "Candidates in two orders", legend=by_number)


@styled
def new_survey_figure(curves: pd.DataFrame, cutoffs: pd.DataFrame, *, survey: str) -> Figure:
    """Draw detection curves, both rates against the cutoff, and cleanliness against missed detections.

    `curves` and `cutoffs` are of `performance.curves` and `cutoff_curves`, of the models ``before`` and
    ``after``. In every panel a dot is at the published cutoff.
    """
    figure = new_figure(3.0)
    detection, rates, clean = figure.subplots(1, 3)
    handles = detection_lines(detection, curves)
    for model in TRAININGS:
        line, rows = model_line(model), cutoffs[cutoffs["model"] == model]
        clean.plot(rows["mdr"], rows["cleanliness"], **line)
        for rate, colour in RATE_COLOURS.items():
            rates.plot(rows["cutoff"], rows[rate], color=colour, linestyle=line["linestyle"])
        point = rows[np.isclose(rows["cutoff"], PUBLISHED_CUTOFF)].iloc[0]
        dot = {"color": line["color"], "marker": "o", "linestyle": "none", "zorder": 5}
        detection.plot(point["mdr"], point["fpr"], **dot)
        clean.plot(point["mdr"], point["cleanliness"], **dot)
        for rate, colour in RATE_COLOURS.items():
            rates.plot(point["cutoff"], point[rate], **dot | {"color": colour})
    handles.append(rates.axvline(PUBLISHED_CUTOFF, **GUIDE, label=f"cutoff {PUBLISHED_CUTOFF:g}"))
    handles.append(Line2D([], [], color="black", marker="o", linestyle="none", label="at this cutoff"))
    rates.set(xlim=(0, 1), ylim=(0, 1), xlabel="cutoff of the score", ylabel="rate")
    clean.set(xlim=(0, 1), ylim=(0, 1.005), xlabel="missed-detection rate (MDR)")
    clean.set_ylabel("share of passed that are real")
    for axes in (rates, clean):
        axes.grid(visible=True)
    names = [Line2D([], [], color=colour, label=rate.upper()) for rate, colour in RATE_COLOURS.items()]
    rates.legend(handles=names, loc="upper center")
    return finished(figure, f"{survey}, labelled by votes", legend=handles)
