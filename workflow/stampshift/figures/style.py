"""The one style of all figures: sizes, colours, axes, and how a figure becomes files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from math import floor
from pathlib import Path
from typing import Any, ParamSpec

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from numpy.typing import ArrayLike

from stampshift.config.experiment import BASELINE, Pair
from stampshift.core.files import atomic_path
from stampshift.tables.wording import title_note

COLUMN_WIDTH_INCHES = 3.4  # one column of a two-column journal
PAGE_WIDTH_INCHES = 7.1
LOWEST_ACCURACY = 0.4  # a coin scores 0.5; the axis goes lower only where a run does
HIGHEST_ACCURACY = 1.005  # leaves room for the outline of a box at 1
ACCURACY_LABEL = "balanced accuracy"
PANELS_IN_A_ROW = 3

# Okabe & Ito (2008), distinct to colour-blind readers and, in this order, by their lightness in print
BASELINE_COLOUR = "#333333"
METHOD_COLOURS: Mapping[str, str] = {BASELINE: BASELINE_COLOUR, "finetune": "#E69F00", "mme": "#0072B2"}
OTHER_COLOURS = ("#009E73", "#CC79A7", "#56B4E9", "#D55E00")
CHOICE_COLOUR = "#D55E00"
SHOTS_COLOURS = "viridis"
SHOTS_COLOUR_RANGE = (0.85, 0.05)  # few shots light, many dark; the palest yellow is left out
SURVEY_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#333333")
# of the second study: networks drawn through, forests dashed
MODEL_COLOURS: Mapping[str, str] = {
    "network_1": "#0072B2",
    "network_2": "#E69F00",
    "network_3": "#009E73",
    "network_4": "#CC79A7",
    "forest": "#333333",
    "forest_of_stamps": "#999999",
    "before": "#999999",
    "after": "#0072B2",
}
DASHED_MODELS = ("forest", "forest_of_stamps", "before")
LABEL_COLOURS: Mapping[str, str] = {"real": "#009E73", "bogus": "#CC79A7"}

STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.titlesize": 9,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # text stays text, as journals ask
}
# neither dates nor versions, so that the same table gives the same bytes
METADATA: Mapping[str, Mapping[str, None]] = {
    ".pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None},
    ".png": {"Software": None},
}

P = ParamSpec("P")


def styled(plot: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in the project's style, whatever the caller's settings are, and leave those alone."""

    @wraps(plot)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style.context(["default", dict(STYLE)]):
            return plot(*args, **kwargs)

    return wrapper


def save_figure(figure: Figure, paths: Iterable[Path | str], *, simulated: bool) -> None:
    """Write a figure under each of some names (``.pdf`` or ``.png``), whole or not at all.

    The title of a figure of simulated surveys says so. The same figure gives the same bytes: no dates and no
    versions are written.
    """
    if simulated:
        mark_simulated(figure)
    with style.context(["default", dict(STYLE)]):
        for path in paths:
            with atomic_path(path) as temporary:
                figure.savefig(temporary, metadata=dict(METADATA[Path(path).suffix]))


def mark_simulated(figure: Figure) -> None:
    """Add to a figure's title that the surveys are simulated."""
    (title,) = (text for text in figure.texts if text.get_text() == figure.get_suptitle())
    title.set_text(title_note(title.get_text(), simulated=True))


def new_figure(height_inches: float, *, width_inches: float = PAGE_WIDTH_INCHES) -> Figure:
    """An empty figure, as wide as a page unless said otherwise, that makes room for its titles and legend."""
    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def finished(
    figure: Figure, title: str, *, legend: Axes | Sequence[Any], columns: int | None = None
) -> Figure:
    """The figure with its title and, below all panels, a legend of an axes' labelled artists or of these."""
    handles = legend.get_legend_handles_labels()[0] if isinstance(legend, Axes) else legend
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns or len(handles))
    figure.suptitle(title)
    return figure


def panel_grid(count: int, *, panel_inches: float, legend_inches: float, shared: bool) -> tuple[Figure, Any]:
    """A figure with some panels, at most three in a row, and their axes (rows, columns), the rest blank."""
    columns = min(count, PANELS_IN_A_ROW)
    rows = -(-count // columns)
    figure = new_figure(legend_inches + panel_inches * rows)
    grid = figure.subplots(rows, columns, sharex=shared, sharey=shared, squeeze=False)
    for axes in grid.flat[count:]:
        axes.axis("off")
    return figure, grid


def target_and_source(pair: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The panels of a pair: role and survey, the target first."""
    names = Pair.parse(pair)
    return ("target", names.target), ("source", names.source)


def method_colour(method: str, methods: Sequence[str]) -> str:
    """Colour of the baseline or a method: its own, or the next free one in the order of `methods`."""
    if method in METHOD_COLOURS:
        return METHOD_COLOURS[method]
    others = [name for name in methods if name not in METHOD_COLOURS]
    return OTHER_COLOURS[others.index(method) % len(OTHER_COLOURS)]


def model_line(model: str) -> dict[str, Any]:
    """Colour and dashes of a model of the second study."""
    return {"color": MODEL_COLOURS[model], "linestyle": "--" if model in DASHED_MODELS else "-"}


def accuracy_limits(values: ArrayLike) -> tuple[float, float]:
    """Limits of an axis of balanced accuracy that shows these values, of all figures that share it."""
    step = 0.05
    lowest = floor(np.min(np.asarray(values, dtype=float)) / step) * step
    return min(LOWEST_ACCURACY, round(lowest, 2)), HIGHEST_ACCURACY


def accuracy_axis(axes: Axes, *, limits: tuple[float, float]) -> None:
    """Give an axes its vertical axis of balanced accuracy: limits, ticks at tenths, a light grid."""
    axes.set_ylim(limits)
    axes.yaxis.set_major_locator(MultipleLocator(0.1))
    axes.yaxis.set_minor_locator(MultipleLocator(0.05))
    axes.grid(axis="y")
