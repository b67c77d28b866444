"""Example triplets: every class of a survey, and triplets before and after preprocessing."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.figures.style import styled
from stampshift.figures.triplets import image_grid, show_image, title_at_top
from stampshift.stamps.file import LABEL_NAMES, Stamps
from stampshift.stamps.preprocessing import Block
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet

NAME_WIDTH = 0.9  # of a stamp: room for the class's name at the left of its row
ROW_HEIGHT = 1.06  # of a stamp
TITLE_INCHES = 0.45


@styled
def class_examples(stamps: Stamps, *, per_class: int) -> Figure:
    """Examples of every class of a survey: a row per class, triplets side by side.

    The examples of a class lie evenly over its stamps in the file: always the same ones. Each image is
    stretched by itself (IRAF's zscale).

    Parameters
    ----------
    stamps
        The preprocessed stamps of a survey.
    per_class
        Triplets shown of each class; a class with fewer shows all that it has.
    """
    names = _ordered_classes(stamps)
    figure, grid = _grid(rows=len(names), triplets=per_class)
    for name, row in zip(names, grid, strict=True):
        indices = example_rows(stamps.classes, name=name, count=per_class)
        images = np.concatenate(stamps.stamps[indices])  # (triplets x channels, size, size)
        for axes, image in zip(row, images, strict=False):  # a small class leaves the end of its row empty
            show_image(axes, image)
        _name_row(row[0], name, label=stamps.labels[indices[0]])
    title_at_top(figure, f"Classes of {stamps.survey}")
    return figure


@styled
def preprocessing_examples(
    triplets: Sequence[RawTriplet], block: Block, *, invalid: InvalidPixels, survey: str
) -> Figure:
    """Triplets as published beside the same after preprocessing (thesis Figs 5-10), a row per triplet.

    Parameters
    ----------
    triplets
        As published; shown whole, invalid pixels in blue.
    block
        The same triplets, preprocessed.
    invalid
        The survey's marks of invalid pixels.
    survey
        Name of the survey.

    Raises
    ------
    ContractError
        If the two do not hold the same triplets.
    """
    if [triplet.identifier for triplet in triplets] != block.ids:
        raise ContractError(
            f"{survey}: expected the same triplets before and after preprocessing, found {len(triplets)} "
            f"and {len(block.ids)}; choose triplets that preprocessing does not drop."
        )
    figure, grid = _grid(rows=len(triplets), triplets=2)
    for triplet, stamp, label, row in zip(triplets, block.stamps, block.labels, grid, strict=True):
        published = [np.where(invalid.mask(image), np.nan, image) for image in triplet.images]
        for axes, image in zip(row, [*published, *stamp], strict=True):
            show_image(axes, image)
        _name_row(row[0], triplet.survey_class, label=label)
    title_at_top(figure, f"{survey}, as published and preprocessed")
    return figure


def example_rows(classes: NDArray[np.str_], *, name: str, count: int) -> NDArray[np.intp]:
    """Rows of up to `count` stamps of a class, evenly spread over the class in file order."""
    rows = np.flatnonzero(classes == name)
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


def _ordered_classes(stamps: Stamps) -> list[str]:
    """Classes, the reals first, then by name."""
    labels = {str(name): int(label) for name, label in zip(stamps.classes, stamps.labels, strict=True)}
    return sorted(labels, key=lambda name: (-labels[name], name))


def _grid(*, rows: int, triplets: int) -> tuple[Figure, list[list[Axes]]]:
    return image_grid(
        rows=rows, triplets=triplets, left=NAME_WIDTH, row_height=ROW_HEIGHT, top_inches=TITLE_INCHES
    )


def _name_row(axes: Axes, survey_class: str, *, label: int) -> None:
    """Write a class at the left of its row, with its label where that is another word."""
    name = survey_class if survey_class == LABEL_NAMES[label] else f"{survey_class}\n({LABEL_NAMES[label]})"
    axes.text(-0.08, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=7)
