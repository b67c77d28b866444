"""A new survey: the network before and after it is trained further on labels by vote."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.des_study.models import model_name
from stampshift.des_study.new_survey import PUBLISHED_CUTOFF, TRAININGS
from stampshift.figures.curves import GUIDE, LOWEST_RATE
from stampshift.figures.style import METHOD_COLOURS, PAGE_WIDTH_INCHES, model_line, styled

RATE_COLOURS = {"mdr": METHOD_COLOURS["mme"], "fpr": METHOD_COLOURS["finetune"]}


@styled
def new_survey_figure(curves: pd.DataFrame, cutoffs: pd.DataFrame, *, survey: str) -> Figure:
    """Draw detection curves, both rates against the cutoff, and cleanliness against missed detections.

    Parameters
    ----------
    curves
        Of `performance.curves`, of the models ``before`` and ``after``.
    cutoffs
        Of `cutoff_curves`.
    survey
        The new survey.
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
