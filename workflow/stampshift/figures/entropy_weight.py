"""Search of the entropy weight: validation accuracy against the weight."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from stampshift.config.experiment import Pair
from stampshift.core.errors import ContractError
from stampshift.figures.style import (
    ACCURACY_LABEL,
    CHOICE_COLOUR,
    COLUMN_WIDTH_INCHES,
    accuracy_axis,
    accuracy_limits,
    styled,
)
from stampshift.tables.run_table import mean_validation
from stampshift.tables.wording import counted, pair_title

SHOTS_COLOURS = "viridis"
SHOTS_COLOUR_RANGE = (0.85, 0.05)  # few shots light, many dark; the palest yellow is left out
MEAN_LABEL = "mean over shots"
CHOICE_LABEL = "chosen"


@styled
def lambda_curves(search: Mapping[str, Any]) -> Figure:
    """Plot the search of the entropy weight, a line per number of shots (thesis Figs 15-20).

    The thick line is the mean over shots; the chosen weight is a vertical line, with a star on the mean.

    Parameters
    ----------
    search
        Content of a ``lambda/<pair>.json`` file.

    Raises
    ------
    ContractError
        If nothing was searched, or the chosen weight is none of those searched.
    """
    pair = Pair(search["source"], search["target"])
    means, chosen = mean_validation(search), search["chosen"]
    if chosen not in means.index:
        raise ContractError(
            f"lambda/{pair}.json: the chosen entropy weight {chosen:g} is none of the "
            f"searched ({', '.join(f'{weight:g}' for weight in means.index) or 'none'}). Only a search "
            "('choice: search' in the config) can be drawn; delete the file to search again."
        )
    trials = pd.DataFrame(list(search["search"])).sort_values(["shots", "entropy_weight"])
    figure = Figure(figsize=(COLUMN_WIDTH_INCHES, 2.9), layout="constrained")
    axes = figure.subplots()
    numbers = list(trials["shots"].unique())
    colours = colormaps[SHOTS_COLOURS](np.linspace(*SHOTS_COLOUR_RANGE, len(numbers)))
    for colour, shots in zip(colours, numbers, strict=True):
        rows = trials[trials["shots"] == shots]
        axes.plot(
            rows["entropy_weight"],
            rows["validation_balanced_accuracy"],
            "o-",
            color=colour,
            label=counted(shots, "shot"),
            markersize=2.5,
        )
    axes.plot(means.index, means, color="black", linewidth=1.8, label=MEAN_LABEL)
    axes.axvline(chosen, color=CHOICE_COLOUR, linestyle="--", label=f"{CHOICE_LABEL}: {chosen:g}", zorder=1)
    axes.plot(
        chosen, means[chosen], "*", color=CHOICE_COLOUR, markersize=9, markeredgecolor="black", zorder=5
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(means.index)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{weight:g}" for weight in means.index], rotation=90)
    accuracy_axis(axes, limits=accuracy_limits(trials["validation_balanced_accuracy"]))
    axes.set(xlabel="entropy weight λ", ylabel=f"validation {ACCURACY_LABEL}")
    figure.legend(loc="outside lower center", ncols=3)
    figure.suptitle(pair_title(pair))
    return figure
