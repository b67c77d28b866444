"""One pair: recall by the survey's own classes, the baseline against the adapted models."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stampshift.config.experiment import BASELINE, Pair
from stampshift.figures.style import BASELINE_COLOUR, PAGE_WIDTH_INCHES, method_colour, styled
from stampshift.stamps.file import LABEL_NAMES
from stampshift.tables.predictions import models, of_model
from stampshift.tables.wording import pair_title, trained_name

CLASS_HEIGHT_INCHES = 0.42
GROUP_HEIGHT = 0.56  # of the distance between two classes
MARKERS = "Dosv^"


@styled
def class_recall_figure(recalls: pd.DataFrame, *, pair: str, methods: Sequence[str]) -> Figure:
    """Recall of every class by every model, with its binomial interval, on the target and on the source.

    Parameters
    ----------
    recalls
        Of `class_recalls`.
    pair
        ``"<source>-to-<target>"``.
    methods
        Methods of adaptation, in the order of their colours.
    """
    names = Pair.parse(pair)
    most = recalls.groupby("survey", observed=True)["class"].nunique().max()
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, 1.3 + CLASS_HEIGHT_INCHES * most), layout="constrained")
    for axes, (role, survey) in zip(
        figure.subplots(1, 2, sharex=True), (("target", names.target), ("source", names.source)), strict=True
    ):
        _classes(axes, recalls[recalls["survey"] == survey], methods=methods)
        axes.set(title=f"on the {role}, {survey}", xlabel="recall", xlim=(-0.02, 1.02))
        axes.grid(axis="x")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    figure.suptitle(pair_title(pair))
    return figure


def _classes(axes: Axes, recalls: pd.DataFrame, *, methods: Sequence[str]) -> None:
    """A row per class, the first on top; models beside each other in it."""
    classes = recalls[["class", "label", "stamps"]].drop_duplicates("class")
    place = {name: row for row, name in enumerate(classes["class"])}
    compared = models(recalls)
    survey = recalls["survey"].iloc[0]
    for index, (method, shots) in enumerate(compared):
        rows = of_model(recalls, survey=survey, method=method, shots=shots)
        offset = GROUP_HEIGHT * (index / max(1, len(compared) - 1) - 0.5)
        # rounded to whole trials, an interval may end a little short of the recall itself
        reach = np.clip([rows["recall"] - rows["low"], rows["high"] - rows["recall"]], 0, None)
        axes.errorbar(
            rows["recall"],
            rows["class"].map(place) + offset,
            xerr=reach,
            fmt=MARKERS[index % len(MARKERS)],
            color=BASELINE_COLOUR if method == BASELINE else method_colour(method, methods),
            elinewidth=0.8,
            label=trained_name(method, shots),
        )
    names = [
        f"{name} ({LABEL_NAMES[label]})\n{stamps} stamps"
        if name != LABEL_NAMES[label]
        else f"{name}\n{stamps} stamps"
        for name, label, stamps in classes.itertuples(index=False)
    ]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
