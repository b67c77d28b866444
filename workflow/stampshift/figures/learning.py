"""Learning curves of the baselines of one survey."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from stampshift.figures.style import (
    ACCURACY_LABEL,
    CHOICE_COLOUR,
    METHOD_COLOURS,
    PAGE_WIDTH_INCHES,
    accuracy_axis,
    accuracy_limits,
    styled,
)

LINE_COLOUR = METHOD_COLOURS["mme"]


@styled
def learning_curves(histories: Mapping[int, pd.DataFrame], *, survey: str) -> Figure:
    """Training loss and validation accuracy by epoch, a line per split, the kept epoch marked.

    Parameters
    ----------
    histories
        By split seed: columns ``epoch``, ``train_loss`` and ``validation_balanced_accuracy``.
    survey
        The survey on which the baselines were trained.
    """
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 2.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    for seed, history in histories.items():
        line: dict[str, Any] = {
            "color": LINE_COLOUR,
            "alpha": 0.6,
            "linewidth": 0.8,
            "label": f"split {seed}",
        }
        loss.plot(history["epoch"], history["train_loss"], **line)
        accuracy.plot(history["epoch"], history["validation_balanced_accuracy"], **line)
        # a tie keeps the earlier epoch, as training does
        best = history.loc[[history["validation_balanced_accuracy"].idxmax()]]
        accuracy.plot(
            best["epoch"],
            best["validation_balanced_accuracy"],
            "o",
            color=CHOICE_COLOUR,
            zorder=4,
            label=f"kept {seed}",
        )
    values = pd.concat([history["validation_balanced_accuracy"] for history in histories.values()])
    accuracy_axis(accuracy, limits=accuracy_limits(values))
    loss.set_ylim(bottom=0)
    loss.grid(axis="y")
    loss.set(xlabel="epoch", ylabel="training loss (cross-entropy)")
    accuracy.set(xlabel="epoch", ylabel=f"validation {ACCURACY_LABEL}")
    handles, _ = accuracy.get_legend_handles_labels()
    figure.legend(
        handles[:2], ["one split", "epoch whose weights are kept"], loc="outside lower center", ncols=2
    )
    figure.suptitle(f"Baselines of {survey}")
    return figure
