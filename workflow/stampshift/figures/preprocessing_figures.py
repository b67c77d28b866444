"""What preprocessing does to a triplet: its four steps, and a triplet of which a whole channel is missing."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stampshift.figures.stamp_figures import name_invalid, preprocessing_examples, show_image
from stampshift.figures.style import COLUMN_WIDTH_INCHES, PAGE_WIDTH_INCHES, new_figure, styled
from stampshift.stamps.cropping import central_crop
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.raw_triplets import Image, InvalidPixels
from stampshift.surveys.first_cases import EXTREME, FILLED, ORDINARY, Cases

STEPS = ("1 filter: kept", "2 crop", "3 normalise", "4 fill")
TEXT_INCHES = 0.3  # under each image: its size, and what its valid pixels are

ROUNDING = 1e-5  # of a mean, in standard deviations


@styled
def preprocessing_steps(cases: Cases, *, invalid: InvalidPixels, survey: str) -> Figure:
    """Draw the four steps on one triplet (thesis Fig. 9): a row per channel, a column per step.

    A triplet with pixels to fill is shown, or else an ordinary one. Under an image are its size, mean and
    standard deviation of its valid pixels, and the number of the others, which are blue.
    """
    triplet, block = next(cases[name] for name in (FILLED, ORDINARY, EXTREME) if name in cases)
    stamp_inches = PAGE_WIDTH_INCHES / len(STEPS)
    figure = new_figure(0.5 + (stamp_inches + TEXT_INCHES) * len(CHANNELS))
    grid = figure.subplots(len(CHANNELS), len(STEPS), squeeze=False)
    for row, channel, image, stamp in zip(grid, CHANNELS, triplet.images, block.stamps[0], strict=True):
        crop = central_crop(image, size_pixels=len(stamp))
        steps = (image, crop, np.where(invalid.mask(crop), np.nan, stamp), stamp)
        for axes, pixels in zip(row, steps, strict=True):
            _step(axes, pixels, invalid=invalid)
        row[0].set_ylabel(channel)
    for axes, step in zip(grid[0], STEPS, strict=True):
        axes.set_title(step)
    name_invalid(figure)
    figure.suptitle(f"{survey}: preprocessing of {triplet.identifier}, {triplet.survey_class}")
    return figure


@styled
def extreme_case(cases: Cases, *, invalid: InvalidPixels, survey: str) -> Figure:
    """Draw a triplet with an empty channel, as published and preprocessed (thesis Fig. 10).

    A survey that has none gets a figure that says so.
    """
    if EXTREME in cases:
        triplet, block = cases[EXTREME]
        return preprocessing_examples([triplet], block, invalid=invalid, survey=survey)
    figure = new_figure(1.0, width_inches=COLUMN_WIDTH_INCHES)
    figure.suptitle(f"{survey}: no extreme case")
    figure.text(0.5, 0.4, "No triplet that is kept has an empty channel.", ha="center", va="center")
    return figure


def _step(axes: Axes, pixels: Image, *, invalid: InvalidPixels) -> None:
    """Show one image after a step, with its numbers under it."""
    valid = ~invalid.mask(pixels)
    show_image(axes, np.where(valid, pixels, np.nan))
    gaps = f", {(~valid).sum()} invalid" if not valid.all() else ""
    axes.set_xlabel(f"{pixels.shape[1]} x {pixels.shape[0]}{gaps}\n{_numbers(pixels[valid])}", fontsize=6)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _numbers(values: Image) -> str:
    """Mean and standard deviation; a mean within the rounding of float32 is 0."""
    if not values.size:
        return "no valid pixel"
    mean, std = float(values.mean(dtype=float)), float(values.std(dtype=float))
    return f"{mean if abs(mean) > ROUNDING * std else 0:.3g} ± {std:.3g}"
