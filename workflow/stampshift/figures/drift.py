"""A night's scores against a released model's reference: cumulative distributions."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stampshift.figures.style import BASELINE_COLOUR, CHOICE_COLOUR, PAGE_WIDTH_INCHES, styled

ROW_HEIGHT_INCHES = 1.7
SAMPLES = {"reference": (BASELINE_COLOUR, "--"), "night": (CHOICE_COLOUR, "-")}
AXIS_LABELS = {"score": "score, P(real)", "similarity": "similarity", "distance": "distance"}


@styled
def drift_figure(curves: pd.DataFrame) -> Figure:
    """Draw the cumulative distributions of night and reference, a row per survey, a column per quantity.

    Parameters
    ----------
    curves
        Of `scoring.drift.curves`.
    """
    surveys, quantities = curves["survey"].unique(), curves["quantity"].unique()
    figure = Figure(
        figsize=(PAGE_WIDTH_INCHES, 0.9 + ROW_HEIGHT_INCHES * max(1, len(surveys))), layout="constrained"
    )
    if len(curves):
        grid = figure.subplots(len(surveys), len(quantities), sharex="col", sharey=True, squeeze=False)
        for row, survey in enumerate(surveys):
            for column, quantity in enumerate(quantities):
                chosen = (curves["survey"] == survey) & (curves["quantity"] == quantity)
                _panel(grid[row, column], curves[chosen], title=str(survey))
            grid[row, 0].set_ylabel("share of stamps\nat or below")
        for axes, quantity in zip(grid[-1], quantities, strict=True):
            axes.set_xlabel(AXIS_LABELS[str(quantity)])
        grid[0, 0].set_ylim(0, 1)
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle("Night and reference")
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, *, title: str) -> None:
    for sample, (colour, line) in SAMPLES.items():
        drawn = rows[rows["sample"] == sample]
        axes.step(drawn["value"], drawn["share"], where="post", color=colour, linestyle=line, label=sample)
    distance, verdict = rows["ks"].iloc[0], rows["verdict"].iloc[0]
    axes.set_title(f"{title}: {verdict}" if pd.isna(distance) else f"{title}: KS {distance:.3f}, {verdict}")
    axes.grid(visible=True)
