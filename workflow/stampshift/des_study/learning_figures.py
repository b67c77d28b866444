"""Learning curves of the networks of the study."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stampshift.figures.style import (
    ACCURACY_LABEL,
    accuracy_axis,
    accuracy_limits,
    finished,
    model_line,
    new_figure,
    styled,
)
from stampshift.tables.wording import model_name

BALANCED = "validation_balanced_accuracy"
PAIRS = ("loss", "accuracy")  # of columns, of the training and of the validation


@styled
def network_learning_curves(histories: Mapping[str, pd.DataFrame], *, title: str) -> Figure:
    """Draw loss, accuracy and balanced accuracy by epoch, a line per network, the kept epoch marked.

    A history is that of a run's folder. Its training loss and accuracy are of the batches as they were
    trained on, those of the validation, dotted, of the weights after the epoch.
    """
    figure = new_figure(2.7)
    panels = figure.subplots(1, 3)
    handles = []
    for network, history in histories.items():
        line, epoch = model_line(network), history["epoch"]
        for axes, name in zip(panels, PAIRS, strict=False):
            (drawn,) = axes.plot(epoch, history[f"train_{name}"], **line, label=model_name(network))
            axes.plot(epoch, history[f"validation_{name}"], color=line["color"], linestyle=":")
        handles.append(drawn)
        panels[2].plot(epoch, history[BALANCED], color=line["color"], linestyle=":")
        kept = history[history["kept"]]
        panels[2].plot(kept["epoch"], kept[BALANCED], "o", color=line["color"], zorder=4)
    accuracies = ("train_accuracy", "validation_accuracy", BALANCED)
    every = pd.concat(history[name] for history in histories.values() for name in accuracies)
    for axes in panels[1:]:
        accuracy_axis(axes, limits=accuracy_limits(every))
    panels[0].set_ylim(bottom=0)
    panels[0].grid(axis="y")
    for axes, label in zip(panels, ("cross-entropy", "accuracy", ACCURACY_LABEL), strict=True):
        axes.set(xlabel="epoch", ylabel=label)
    handles += [
        Line2D([], [], color="black", label="training"),
        Line2D([], [], color="black", linestyle=":", label="validation"),
        Line2D([], [], color="black", marker="o", linestyle="none", label="epoch whose weights are kept"),
    ]
    return finished(figure, title, legend=handles, columns=4)
