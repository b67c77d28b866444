"""Trainings: learning curves of baselines, and the search of the entropy weight."""

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
    METHOD_COLOURS,
    accuracy_axis,
    accuracy_limits,
    finished,
    new_figure,
    styled,
)
from stampshift.tables.run_table import mean_validation
from stampshift.tables.wording import counted, pair_title

SHOTS_COLOURS = "viridis"
SHOTS_COLOUR_RANGE = (0.85, 0.05)  # few shots light, many dark; the palest yellow is left out


@styled
def learning_curves(histories: Mapping[int, pd.DataFrame], *, survey: str) -> Figure:
    """Training loss and validation accuracy by epoch, a line per split, the kept epoch marked.

    The histories of a survey's baselines, by split, have the columns ``epoch``, ``train_loss`` and
    ``validation_balanced_accuracy``.
    """
    figure = new_figure(2.6)
    loss, accuracy = figure.subplots(1, 2)
    line: dict[str, Any] = {"color": METHOD_COLOURS["mme"], "alpha": 0.6, "linewidth": 0.8}
    kept: dict[str, Any] = {"color": CHOICE_COLOUR, "zorder": 4}
    for seed, history in histories.items():
        scores = history["validation_balanced_accuracy"]
        loss.plot(history["epoch"], history["train_loss"], **line, label=f"split {seed}")
        accuracy.plot(history["epoch"], scores, **line, label=f"split {seed}")
        best = history.loc[[scores.idxmax()]]  # a tie keeps the earlier epoch, as training does
        accuracy.plot(best["epoch"], best[scores.name], "o", **kept, label=f"kept {seed}")
    values = pd.concat([history["validation_balanced_accuracy"] for history in histories.values()])
    accuracy_axis(accuracy, limits=accuracy_limits(values))
    loss.set_ylim(bottom=0)
    loss.grid(axis="y")
    loss.set(xlabel="epoch", ylabel="training loss (cross-entropy)")
    accuracy.set(xlabel="epoch", ylabel=f"validation {ACCURACY_LABEL}")
    texts = ["one split", "epoch whose weights are kept"]
    figure.legend(accuracy.lines[:2], texts, loc="outside lower center", ncols=2)
    figure.suptitle(f"Baselines of {survey}")
    return figure


@styled
def lambda_curves(search: Mapping[str, Any]) -> Figure:
    """Plot the search of the entropy weight, a line per number of shots.

    The search is the content of a ``lambda/<pair>.json`` file. The thick line is the mean over shots; the
    chosen weight is a vertical line, with a star on the mean. Raises `ContractError` if nothing was searched,
    or the chosen weight is none of those searched.
    """
    pair = Pair(search["source"], search["target"])
    means, chosen = mean_validation(search), search["chosen"]
    if chosen not in means.index:
        raise ContractError(
            f"lambda/{pair}.json: the chosen entropy weight {chosen:g} is not one of those searched "
            f"({', '.join(f'{weight:g}' for weight in means.index) or 'none'}). Only a search ('choice: "
            "search' in the config) can be drawn; delete the file to search again."
        )
    trials = pd.DataFrame(list(search["search"])).sort_values(["shots", "entropy_weight"])
    figure = new_figure(2.9, width_inches=COLUMN_WIDTH_INCHES)
    axes = figure.subplots()
    colours = colormaps[SHOTS_COLOURS](np.linspace(*SHOTS_COLOUR_RANGE, trials["shots"].nunique()))
    for colour, (shots, rows) in zip(colours, trials.groupby("shots"), strict=True):
        line: dict[str, Any] = {"color": colour, "markersize": 2.5, "label": counted(int(str(shots)), "shot")}
        axes.plot(rows["entropy_weight"], rows["validation_balanced_accuracy"], "o-", **line)
    axes.plot(means.index, means, color="black", linewidth=1.8, label="mean over shots")
    axes.axvline(chosen, color=CHOICE_COLOUR, linestyle="--", label=f"chosen: {chosen:g}", zorder=1)
    star: dict[str, Any] = {"color": CHOICE_COLOUR, "markersize": 9, "markeredgecolor": "black", "zorder": 5}
    axes.plot(chosen, means[chosen], "*", **star)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(means.index)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{weight:g}" for weight in means.index], rotation=90)
    accuracy_axis(axes, limits=accuracy_limits(trials["validation_balanced_accuracy"]))
    axes.set(xlabel="entropy weight λ", ylabel=f"validation {ACCURACY_LABEL}")
    return finished(figure, pair_title(pair), legend=axes, columns=3)
