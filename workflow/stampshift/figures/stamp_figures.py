"""Triplets of stamps: examples of every class, before and after preprocessing, and a model's worst errors."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from astropy.visualization import ZScaleInterval
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from stampshift.core.errors import ContractError
from stampshift.figures.style import PAGE_WIDTH_INCHES, styled
from stampshift.stamps.file import CHANNELS, LABEL_NAMES, Stamps
from stampshift.stamps.preprocessing import Block
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.tables.recall_tables import FALSE_POSITIVE, MISSED_REAL

NAME_WIDTH = 0.9  # of a stamp: room for the class's name at the left of its row
ROW_HEIGHT = 1.06  # of a stamp
TITLE_INCHES = 0.45
EDGE = 0.05  # of a stamp: white at the right and below
GAP_WIDTH = 0.12  # of a stamp: between two triplets
TITLE_TOP_INCHES = 0.08  # above the title
INVALID_COLOUR = "#56B4E9"  # neither dark nor bright
INVALID = Patch(facecolor=INVALID_COLOUR, label="invalid pixels")
GREYS = colormaps["gray"].with_extremes(bad=INVALID_COLOUR)
HEADINGS = {FALSE_POSITIVE: "bogus called real", MISSED_REAL: "real called bogus"}
ERROR_HEIGHT = 1.15  # of a stamp: room for a line of text under it
HEADINGS_INCHES = 0.6
MARGIN = 0.08  # of a stamp
HEADING_TOP_INCHES = 0.3
SMALL_FONT = 6


@styled
def class_examples(stamps: Stamps, *, per_class: int) -> Figure:
    """Examples of every class of a survey: a row per class, triplets side by side.

    The examples of a class are spread evenly over its stamps in the file, always the same ones; a class
    with fewer shows all that it has. Each image is stretched separately (IRAF's zscale).
    """
    labels = dict(zip(stamps.classes.tolist(), stamps.labels.tolist(), strict=True))
    names = sorted(labels, key=lambda name: (-labels[name], name))  # the reals first
    figure, grid = _grid(rows=len(names), triplets=per_class, top_inches=TITLE_INCHES)
    for name, row in zip(names, grid, strict=True):
        indices = example_rows(stamps.classes, name=name, count=per_class)
        images = np.concatenate(stamps.stamps[indices])  # (triplets x channels, size, size)
        for axes, image in zip(row, images, strict=False):  # a small class leaves the end of its row empty
            show_image(axes, image)
        _name_row(row[0], name, label=labels[name])
    _title_at_top(figure, f"Classes of {stamps.survey}")
    return figure


@styled
def preprocessing_examples(
    triplets: Sequence[RawTriplet], block: Block, *, invalid: InvalidPixels, survey: str
) -> Figure:
    """Triplets as published beside the same after preprocessing (thesis Figs 5-8), a row per triplet.

    The published ones are shown whole, invalid pixels in blue. Raises `ContractError` if the two do not hold
    the same triplets.
    """
    if [triplet.identifier for triplet in triplets] != block.ids:
        raise ContractError(
            f"{survey}: expected the same triplets before and after preprocessing, found {len(triplets)} "
            f"and {len(block.ids)}; choose triplets that preprocessing does not drop."
        )
    figure, grid = _grid(rows=len(triplets), triplets=2, top_inches=HEADINGS_INCHES)
    for triplet, stamp, label, row in zip(triplets, block.stamps, block.labels, grid, strict=True):
        published = [np.where(invalid.mask(image), np.nan, image) for image in triplet.images]
        for axes, image in zip(row, [*published, *stamp], strict=True):
            show_image(axes, image)
        _name_row(row[0], triplet.survey_class, label=label)
    _head(figure, grid[0], ["as published", "preprocessed"])
    name_invalid(figure)
    _title_at_top(figure, f"Triplets of {survey}")
    return figure


@styled
def error_gallery(errors: pd.DataFrame, stamps: Stamps, *, per_kind: int, model: str) -> Figure:
    """Show the triplets of the worst errors: bogus called real at the left, real called bogus at the right.

    Under a triplet are its class, identifier and score. Each image is stretched separately (IRAF's
    zscale). The errors are of `worst_errors`; a model with fewer of them than rows leaves places empty.
    """
    columns = {}
    for kind, heading in HEADINGS.items():
        of_kind = errors[errors["kind"] == kind]
        count = "none" if of_kind.empty else "the most confident first"
        columns[f"{heading}: {count}"] = {
            error["row"]: f"{error['class']}, {error['id']}, score {error['score']:.4g}"
            for error in of_kind.to_dict("records")
        }
    title = f"Worst errors on {stamps.survey}: {model}"
    return triplet_columns(stamps, columns, per_column=per_kind, title=title)


def triplet_columns(
    stamps: Stamps, columns: Mapping[str, Mapping[int, str]], *, per_column: int, title: str
) -> Figure:
    """Columns of triplets under their headings: rows of the stamps, up to `per_column`, each with a text.

    Each image is stretched separately (IRAF's zscale).
    """
    figure, grid = _image_grid(
        rows=per_column,
        triplets=len(columns),
        left=MARGIN,
        row_height=ERROR_HEIGHT,
        top_inches=HEADINGS_INCHES,
    )
    _head(figure, grid[0], list(columns))
    for place, triplets in enumerate(columns.values()):
        first = place * len(CHANNELS)
        for axes, (row, text) in zip(grid, triplets.items(), strict=False):
            for channel, image in zip(axes[first:], stamps.stamps[row], strict=False):
                show_image(channel, image)
            place_of_text = axes[first].transAxes
            axes[first].text(0, -0.03, text, transform=place_of_text, va="top", fontsize=SMALL_FONT)
    _title_at_top(figure, title)
    return figure


def example_rows(classes: NDArray[np.str_], *, name: str, count: int) -> NDArray[np.intp]:
    """Rows of up to `count` stamps of a class, evenly spread over the class in file order."""
    rows = np.flatnonzero(classes == name)
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


def name_invalid(figure: Figure) -> None:
    """Say at a figure's upper right what blue pixels are, where it has any."""
    if any(np.ma.is_masked(image.get_array()) for axes in figure.axes for image in axes.images):
        figure.legend(handles=[INVALID], loc="upper right", borderaxespad=0.2)


def _grid(*, rows: int, triplets: int, top_inches: float) -> tuple[Figure, list[list[Axes]]]:
    return _image_grid(
        rows=rows, triplets=triplets, left=NAME_WIDTH, row_height=ROW_HEIGHT, top_inches=top_inches
    )


def _head(figure: Figure, row: Sequence[Axes], headings: Sequence[str]) -> None:
    """Write a heading above each of the triplets side by side in the first row."""
    height = 1 - HEADING_TOP_INCHES / figure.get_figheight()
    for axes, heading in zip(row[:: len(CHANNELS)], headings, strict=True):
        figure.text(axes.get_position().x0, height, heading, va="top", fontsize=8)


def _name_row(axes: Axes, survey_class: str, *, label: int) -> None:
    """Write a class at the left of its row, with its label where that is another word."""
    name = survey_class if survey_class == LABEL_NAMES[label] else f"{survey_class}\n({LABEL_NAMES[label]})"
    axes.text(-0.08, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=7)


def show_image(axes: Axes, image: ArrayLike) -> None:
    """Show one stamp, first row at the bottom, stretched by zscale, non-finite pixels in blue."""
    pixels = np.ma.masked_invalid(np.asarray(image, dtype=float))
    low, high = ZScaleInterval().get_limits(pixels.compressed()) if pixels.count() else (0.0, 1.0)
    axes.imshow(pixels, origin="lower", cmap=GREYS, vmin=low, vmax=high, interpolation="nearest")


def _image_grid(
    *, rows: int, triplets: int, left: float, row_height: float, top_inches: float
) -> tuple[Figure, list[list[Axes]]]:
    """Make a figure of square, bare axes in groups of three, channel names above the first row.

    The room at the `left` is in widths of a stamp, the distance of two rows in heights of a stamp.
    """
    channels = len(CHANNELS)
    columns = triplets * channels
    units = left + columns + GAP_WIDTH * (triplets - 1) + EDGE
    stamp = PAGE_WIDTH_INCHES / units
    height = top_inches + (row_height * rows + EDGE) * stamp
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, height))
    lefts = [left + column + GAP_WIDTH * (column // channels) for column in range(columns)]
    size = 0.97 / units, 0.97 * stamp / height
    grid = []
    for row in range(rows):
        bottom = ((rows - row) * row_height - 1 + EDGE) * stamp / height
        grid.append([figure.add_axes((x / units, bottom, *size)) for x in lefts])
    for axes in figure.axes:
        axes.axis("off")
    for column, axes in enumerate(grid[0]):
        axes.set_title(CHANNELS[column % channels], fontsize=min(8.0, 10 * stamp), pad=2)
    return figure, grid


def _title_at_top(figure: Figure, title: str) -> None:
    """Write a title at the same distance from the top of figures of any height."""
    figure.suptitle(title, y=1 - TITLE_TOP_INCHES / figure.get_figheight(), va="top")
