"""The one style of all figures: sizes, colours, axes, and how a figure becomes files."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from math import floor
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from stampshift.files import atomic_path

COLUMN_WIDTH_INCHES = 3.4  # one column of a two-column journal
PAGE_WIDTH_INCHES = 7.1
LOWEST_ACCURACY = 0.45  # a coin scores 0.5; the axis goes lower only where a run does
HIGHEST_ACCURACY = 1.005  # leaves room for the outline of a box at 1
ACCURACY_LABEL = "balanced accuracy"

# Okabe & Ito (2008), told apart by colour-blind readers and, in this order, by their lightness in print
METHOD_COLOURS: Mapping[str, str] = {"finetune": "#E69F00", "mme": "#0072B2"}
OTHER_COLOURS = ("#009E73", "#CC79A7", "#56B4E9", "#D55E00")
BASELINE_COLOUR = "#333333"
CHOICE_COLOUR = "#D55E00"

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
PDF_METADATA = {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None}
PNG_METADATA = {"Software": None}


def styled[**P](plot: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in the project's style, whatever the caller's settings are, and leave those alone."""

    @wraps(plot)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context({**mpl.rcParamsDefault, **STYLE, "backend": mpl.rcParams["backend"]}):
            return plot(*args, **kwargs)

    return wrapper
