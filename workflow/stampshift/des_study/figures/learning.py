"""Learning curves of the networks."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.des_study.models import model_name
from stampshift.figures.style import (
    ACCURACY_LABEL,
    PAGE_WIDTH_INCHES,
    accuracy_axis,
    accuracy_limits,
    model_line,
    styled,
)


@styled
def network_learning_curves(histories: Mapping[str, pd.DataFrame], *, title: str) -> Figure:
    """Loss and validation accuracy by epoch, a line per network, the kept epoch marked.

    Parameters
    ----------
    histories
        By network: columns ``epoch``, ``train_loss``, ``validation_balanced_accuracy`` and, where the
        training wrote it, ``validation_loss``, which is drawn dotted.
    title
        What the trainings are.
    """
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 2.9), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    handles = []
    for network, history in histories.items():
        line = model_line(network)
        handles += loss.plot(history["epoch"], history["train_loss"], **line, label=model_name(network))
        if "validation_loss" in history:
            loss.plot(history["epoch"], history["validation_loss"], color=line["color"], linestyle=":")
        accuracy.plot(history["epoch"], history["validation_balanced_accuracy"], **line)
        # a tie keeps the earlier epoch, as training does
        best = history.loc[[history["validation_balanced_accuracy"].idxmax()]]
        accuracy.plot(best["epoch"], best["validation_balanced_accuracy"], "o", color=line["color"], zorder=4)
    accuracy_axis(
        accuracy,
        limits=accuracy_limits(
            pd.concat(history["validation_balanced_accuracy"] for history in histories.values())
        ),
    )
    loss.set_ylim(bottom=0)
    loss.grid(axis="y")
    both = any("validation_loss" in history for history in histories.values())
    loss.set(xlabel="epoch", ylabel="cross-entropy" if both else "training loss (cross-entropy)")
    accuracy.set(xlabel="epoch", ylabel=f"validation {ACCURACY_LABEL}")
    if both:
        handles += [
            Line2D([], [], color="black", label="training"),
            Line2D([], [], color="black", linestyle=":", label="validation"),
        ]
    handles.append(
        Line2D([], [], color="black", marker="o", linestyle="none", label="epoch whose weights are kept")
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=4 if both else 5)
    figure.suptitle(title)
    return figure
