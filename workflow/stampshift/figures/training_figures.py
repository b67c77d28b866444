"""Trainings: learning curves of baselines, kept epochs, and the search of the entropy weight."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from stampshift.config.experiment import Pair
from stampshift.core.errors import ContractError
from stampshift.figures.style import (
    ACCURACY_LABEL,
    CHOICE_COLOUR,
    COLUMN_WIDTH_INCHES,
    METHOD_COLOURS,
    SHOTS_COLOUR_RANGE,
    SHOTS_COLOURS,
    accuracy_axis,
    accuracy_limits,
    finished,
    new_figure,
    styled,
)
from stampshift.tables.kept_weights import mean_over_pairs
from stampshift.tables.lambda_tables import mean_validation
from stampshift.tables.wording import RULE_NAMES, counted, method_name, pair_title

# roles and columns of `kept_table`, and what they are in words; a run's epoch is the same for both roles
KEPT_ROWS = (
    ("target", "mean", "on the target"),
    ("source", "mean", "on the source"),
    ("target", "epoch", "kept epoch"),
)
RULE_LINES: Mapping[str, Mapping[str, Any]] = {  # lines may coincide: colours, dashes and markers differ
    "first_best": {"color": "#0072B2", "marker": "o"},
    "last_best": {"color": "#56B4E9", "marker": "s", "linestyle": "--"},
    "lowest_validation_loss": {"color": "#D55E00", "marker": "^"},
    "last": {"color": "#333333", "marker": "v", "linestyle": ":"},
}
CLOSEST_TICKS = 0.1  # of the axis, where numbers still stand side by side


@styled
def learning_curves(histories: Mapping[int, pd.DataFrame], *, survey: str) -> Figure:
    """Training loss and validation accuracy by epoch, a line per split, the kept epoch marked.

    The histories of a survey's baselines, by split, have the columns ``epoch``, ``train_loss``,
    ``validation_balanced_accuracy`` and ``kept``, true for the epoch whose weights were kept.
    """
    figure = new_figure(2.6)
    loss, accuracy = figure.subplots(1, 2)
    line: dict[str, Any] = {"color": METHOD_COLOURS["mme"], "alpha": 0.6, "linewidth": 0.8}
    kept: dict[str, Any] = {"color": CHOICE_COLOUR, "zorder": 4}
    for seed, history in histories.items():
        scores = history["validation_balanced_accuracy"]
        loss.plot(history["epoch"], history["train_loss"], **line, label=f"split {seed}")
        accuracy.plot(history["epoch"], scores, **line, label=f"split {seed}")
        stayed = history[history["kept"]]
        accuracy.plot(stayed["epoch"], stayed[scores.name], "o", **kept, label=f"kept {seed}")
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
def kept_weights(numbers: pd.DataFrame, *, methods: Sequence[str]) -> Figure:
    """Draw what each rule of keeping an epoch makes of every method, by shots (`kept_table`).

    A column per method; rows are the balanced accuracy on the target, that on the source, and the kept epoch.
    """
    means = mean_over_pairs(numbers).sort_values("shots")
    shots = sorted(set(means.loc[means["method"].isin(list(methods)), "shots"]))
    figure = new_figure(1.1 + 1.4 * len(KEPT_ROWS), width_inches=max(COLUMN_WIDTH_INCHES, 2.4 * len(methods)))
    grid = figure.subplots(len(KEPT_ROWS), len(methods), sharex=True, sharey="row", squeeze=False)
    for row, (role, column, label) in zip(grid, KEPT_ROWS, strict=True):
        shown = means[(means["role"] == role) & means["method"].isin(list(methods))]
        for axes, method in zip(row, methods, strict=True):
            for rule, line in RULE_LINES.items():
                own = shown[(shown["method"] == method) & (shown["rule"] == rule)]
                places = [shots.index(count) for count in own["shots"]]
                axes.plot(places, own[column], label=RULE_NAMES[rule], **line)
            axes.grid(axis="y")
        row[0].set_ylabel(label)
    for axes, method in zip(grid[0], methods, strict=True):
        axes.set_title(method_name(method))
    for axes in grid[-1]:
        axes.set_xlabel("labelled target stamps per class")
        axes.set_xticks(range(len(shots)), [str(count) for count in shots])
        axes.set_ylim(bottom=0)
    return finished(figure, "Which epoch is kept", legend=grid[0, 0])


@styled
def lambda_curves(search: Mapping[str, Any]) -> Figure:
    """Plot the search of the entropy weight, a line per number of shots.

    The search is the content of a ``lambda/<pair>.json`` file. The thick line is the mean over shots; the
    chosen weight is a vertical line, with a star on the mean, and all weights that tie have a ring. Raises
    `ContractError` if nothing was searched, or the chosen weight is none of those searched.
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
    tied = list(search["tied"])
    text = f"chosen: {chosen:g}" + (f", of {len(tied)} equal" if len(tied) > 1 else "")
    axes.axvline(chosen, color=CHOICE_COLOUR, linestyle="--", label=text, zorder=1)
    ring: dict[str, Any] = {
        "color": CHOICE_COLOUR,
        "markersize": 8,
        "markerfacecolor": "none",
        "linewidth": 0,
    }
    axes.plot(tied, means[tied], "o", **ring)
    star: dict[str, Any] = {"color": CHOICE_COLOUR, "markersize": 9, "markeredgecolor": "black", "zorder": 5}
    axes.plot(chosen, means[chosen], "*", **star)
    axes.set_xscale("log")
    named = _apart(list(means.index))
    axes.set_xticks(named, [f"{weight:g}" for weight in named])
    axes.set_xticks(list(means.index), minor=True)
    axes.xaxis.set_minor_formatter(NullFormatter())
    accuracy_axis(axes, limits=accuracy_limits(trials["validation_balanced_accuracy"]))
    axes.set(xlabel="entropy weight λ", ylabel=f"validation {ACCURACY_LABEL}")
    return finished(figure, pair_title(pair), legend=axes, columns=2)


def _apart(weights: Sequence[float]) -> list[float]:
    """Those of ascending weights whose numbers have room side by side on a logarithmic axis."""
    room = CLOSEST_TICKS * np.log(weights[-1] / weights[0])
    named = [weights[0]]
    for weight in weights[1:]:
        if np.log(weight / named[-1]) >= room:
            named.append(weight)
    return named
