"""Balanced accuracy of every method without any label of the target."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from stampshift.figures.baseline_figures import accuracy_map
from stampshift.figures.style import new_figure, styled
from stampshift.tables.wording import variant_name
from stampshift.tables.zero_shots import pair_names


@styled
def zero_shot_map(numbers: pd.DataFrame, *, variant_names: Mapping[str, str]) -> Figure:
    """Map of pairs and methods from the numbers of `tables.zero_shots`, on the target."""
    shown = numbers[numbers["role"] == "target"]
    shown = shown.assign(pair=pair_names(shown))
    pairs, methods = (list(dict.fromkeys(shown[name])) for name in ("pair", "method"))
    mean, std = (
        shown.pivot(index="pair", columns="method", values=name).reindex(index=pairs, columns=methods)
        for name in ("mean", "std")
    )
    figure = new_figure(1.2 + 0.32 * len(pairs))
    axes = figure.subplots()
    accuracy_map(axes, mean.to_numpy(float), std.to_numpy(float), broken=False)
    names = [variant_name(str(name), variant_names).replace(" (", "\n(") for name in methods]
    axes.set_xticks(range(len(methods)), names)
    axes.set_yticks(range(len(pairs)), pairs)
    axes.set(ylabel="source to target")
    figure.suptitle("On the target, without any label of it")
    return figure
