"""Triplets on bare axes: the grid, the stretch of an image, the title."""

import numpy as np
from astropy.visualization import ZScaleInterval
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from stampshift.figures.style import PAGE_WIDTH_INCHES
from stampshift.stamps.file import CHANNELS

GAP_WIDTH = 0.12  # of a stamp: between two triplets
TITLE_TOP_INCHES = 0.08  # above the title
GREYS = colormaps["gray"].with_extremes(bad="#56B4E9")  # invalid pixels are neither dark nor bright


def show_image(axes: Axes, image: ArrayLike) -> None:
    """Show one stamp, first row at the bottom, stretched by zscale, non-finite pixels in blue."""
    pixels = np.ma.masked_invalid(np.asarray(image, dtype=float))
    low, high = ZScaleInterval().get_limits(pixels.compressed()) if pixels.count() else (0.0, 1.0)
    axes.imshow(pixels, origin="lower", cmap=GREYS, vmin=low, vmax=high, interpolation="nearest")


def image_grid(
    *, rows: int, triplets: int, left: float, row_height: float, top_inches: float
) -> tuple[Figure, list[list[Axes]]]:
    """Make a figure of square, bare axes in groups of three, channel names above the first row.

    Parameters
    ----------
    rows
        Rows of stamps.
    triplets
        Groups of three in a row.
    left
        Room at the left, in widths of a stamp.
    row_height
        Distance of two rows, in heights of a stamp.
    top_inches
        Room above the first row.
    """
    channels = len(CHANNELS)
    columns = triplets * channels
    units = left + columns + GAP_WIDTH * (triplets - 1)
    stamp = PAGE_WIDTH_INCHES / units
    height = top_inches + row_height * stamp * rows
    figure = Figure(figsize=(PAGE_WIDTH_INCHES, height))
    grid = []
    for row in range(rows):
        bottom = ((rows - row) * row_height - 1) * stamp / height
        lefts = [left + column + GAP_WIDTH * (column // channels) for column in range(columns)]
        boxes = [(x / units, bottom, 0.97 / units, 0.97 * stamp / height) for x in lefts]
        grid.append([figure.add_axes(box) for box in boxes])
    for row_axes in grid:
        for axes in row_axes:
            axes.axis("off")
    for column, axes in enumerate(grid[0]):
        axes.set_title(CHANNELS[column % channels], fontsize=min(8.0, 10 * stamp), pad=2)
    return figure, grid


def title_at_top(figure: Figure, title: str) -> None:
    """Write a title at the same distance from the top of figures of any height."""
    figure.suptitle(title, y=1 - TITLE_TOP_INCHES / figure.get_figheight(), va="top")
