"""The search of the entropy weight as the thesis draws it: by number of shots."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure

from stampshift.config.experiment import Pair
from stampshift.core.errors import ContractError
from stampshift.figures.style import (
    ACCURACY_LABEL,
    CHOICE_COLOUR,
    accuracy_axis,
    accuracy_limits,
    finished,
    new_figure,
    styled,
)
from stampshift.tables.wording import pair_title

COLOURS = "viridis"
COLOUR_RANGE = (0.0, 0.9)  # small weights dark, large light; the palest yellow is left out
PANELS = {
    "training_balanced_accuracy": "training stamps of {target}",
    "validation_balanced_accuracy": "validation stamps of {target}",
}


@styled
def lambda_by_shots(search: Mapping[str, Any]) -> Figure:
    """Training and validation accuracy by number of shots, a line per entropy weight (thesis Figs 15-20).

    The search is the content of a ``lambda/<pair>.json`` file; the chosen weight's line is thick. A run
    without labelled target stamps has no point in the panel of training. Raises `ContractError` if nothing
    was searched.
    """
    pair = Pair(search["source"], search["target"])
    trials = pd.DataFrame(list(search["search"]))
    if not set(PANELS) <= set(trials.columns):
        raise ContractError(
            f"lambda/{pair}.json: expected a search with {' and '.join(PANELS)}, found "
            f"{', '.join(map(str, trials.columns)) or 'none'}. Delete the file to search again."
        )
    trials = trials.astype(dict.fromkeys(PANELS, float)).sort_values(["entropy_weight", "shots"])
    shots = sorted(set(trials["shots"]))
    weights = sorted(set(trials["entropy_weight"]))
    colours = colormaps[COLOURS](np.linspace(*COLOUR_RANGE, len(weights)))
    figure = new_figure(3.0)
    limits = accuracy_limits(np.nanmin(trials[list(PANELS)].to_numpy()))
    for axes, (column, title) in zip(figure.subplots(1, 2, sharey=True), PANELS.items(), strict=True):
        for weight, colour in zip(weights, colours, strict=True):
            rows = trials[trials["entropy_weight"] == weight]
            chosen = weight == search["chosen"]
            line: dict[str, Any] = {"color": colour, "label": f"λ = {weight:g}"}
            line |= {"linewidth": 2, "markeredgecolor": CHOICE_COLOUR, "zorder": 4} if chosen else {}
            line |= {"label": f"λ = {weight:g}, chosen"} if chosen else {}
            axes.plot([shots.index(count) for count in rows["shots"]], rows[column], "o-", **line)
        accuracy_axis(axes, limits=limits)
        axes.set_xticks(range(len(shots)), [str(count) for count in shots])
        axes.set_xlim(-0.3, len(shots) - 0.7)
        axes.set(title=title.format(target=pair.target), xlabel=f"labelled {pair.target} stamps per class")
    figure.axes[0].set_ylabel(ACCURACY_LABEL)
    return finished(figure, pair_title(pair), legend=figure.axes[0], columns=4)
