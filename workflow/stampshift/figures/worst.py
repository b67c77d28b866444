"""Gallery of a model's worst errors."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stampshift.figures.style import styled
from stampshift.figures.triplets import image_grid, show_image, title_at_top
from stampshift.stamps.file import CHANNELS, Stamps
from stampshift.tables.recall_tables import FALSE_POSITIVE, MISSED_REAL

HEADINGS = {FALSE_POSITIVE: "bogus called real", MISSED_REAL: "real called bogus"}
ROW_HEIGHT = 1.15  # of a stamp: room for a line of text under it
TOP_INCHES = 0.6
MARGIN = 0.08  # of a stamp
HEADING_TOP_INCHES = 0.3
SMALL_FONT = 6


@styled
def error_gallery(errors: pd.DataFrame, stamps: Stamps, *, per_kind: int, model: str) -> Figure:
    """Show the triplets of the worst errors: bogus called real at the left, real called bogus at the right.

    Under a triplet stand its class, identifier and score. Each image is stretched by itself (IRAF's
    zscale). A model with fewer errors leaves places empty.

    Parameters
    ----------
    errors
        Of `worst_errors`.
    stamps
        The survey.
    per_kind
        Rows of the gallery.
    model
        Name of the model, for the title.
    """
    figure, grid = image_grid(
        rows=per_kind, triplets=len(HEADINGS), left=MARGIN, row_height=ROW_HEIGHT, top_inches=TOP_INCHES
    )
    height = figure.get_figheight()
    for place, (kind, heading) in enumerate(HEADINGS.items()):
        first = place * len(CHANNELS)
        x = grid[0][first].get_position().x0
        of_kind = errors[errors["kind"] == kind]
        count = "none" if of_kind.empty else "the most confident first"
        figure.text(x, 1 - HEADING_TOP_INCHES / height, f"{heading}: {count}", va="top", fontsize=8)
        for row, error in zip(grid, of_kind.to_dict("records"), strict=False):
            _triplet(row[first : first + len(CHANNELS)], stamps, error)
    title_at_top(figure, f"Worst errors on {stamps.survey}: {model}")
    return figure


def _triplet(axes: list[Axes], stamps: Stamps, error: Mapping[Hashable, Any]) -> None:
    """Show one triplet with what is known of it."""
    for channel, image in zip(axes, stamps.stamps[error["row"]], strict=True):
        show_image(channel, image)
    text = f"{error['class']}, {error['id']}, score {error['score']:.4g}"
    axes[0].text(0, -0.03, text, transform=axes[0].transAxes, va="top", fontsize=SMALL_FONT)
