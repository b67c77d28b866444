"""The crop of a triplet, the wider one that people are shown, and what cannot be cropped."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stampshift.stamps.raw_triplets import Image, InvalidPixels

REASONS = ("non_square", "ragged", "too_small")


def unfit(images: Sequence[Image], *, size_pixels: int) -> str:
    """Why a triplet cannot be cropped, one of `REASONS`; ``""`` if it can."""
    shapes = {image.shape for image in images}
    if any(len(shape) != 2 or shape[0] != shape[1] for shape in shapes):
        return "non_square"
    if len(shapes) != 1:
        return "ragged"
    return "too_small" if images[0].shape[0] < size_pixels else ""


def central_crop(image: Image, *, size_pixels: int) -> Image:
    """Central `size_pixels` squared of a square image; the centre of an even size is pixel ``size // 2``."""
    start = image.shape[0] // 2 - size_pixels // 2
    window = slice(start, start + size_pixels)
    return image[window, window]


def wider_crop(images: Sequence[Image], *, size_pixels: int, invalid: InvalidPixels) -> NDArray[np.float32]:
    """Central `size_pixels` squared of a triplet around the centre of its crop, as the survey measured it.

    float32 (3, size, size), NaN where a pixel is invalid or beyond the image.
    """
    size = size_pixels
    wide = np.full((len(images), size, size), np.nan, np.float32)
    for channel, image in enumerate(images):
        shift = size // 2 - image.shape[0] // 2
        inside = slice(max(0, shift), min(size, shift + image.shape[0]))
        within = slice(inside.start - shift, inside.stop - shift)
        pixels = image[within, within]
        wide[channel, inside, inside] = np.where(invalid.mask(pixels), np.nan, pixels)
    return wide
