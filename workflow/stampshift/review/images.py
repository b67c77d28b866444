"""Triplets as PNG images, stretched for the eye."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from astropy.stats import mad_std
from astropy.visualization import AsinhStretch, ManualInterval, ZScaleInterval
from numpy.typing import NDArray
from PIL import Image

GAP_PIXELS = 2
SOFTENING_SIGMAS = 3.0  # asinh is linear below this and logarithmic above


def _asinh(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Greys from 0 to 1, from below the noise to the brightest pixel (after Lupton et al. 2004)."""
    sigma = float(mad_std(image)) or float(image.std())
    soft = SOFTENING_SIGMAS * sigma
    low, high = float(np.median(image)) - soft, float(image.max())
    if soft == 0:
        return np.zeros_like(image)
    return np.asarray(AsinhStretch(min(1.0, soft / (high - low)))(ManualInterval(low, high)(image)))


# each image of a triplet is stretched separately; greys are linear between the limits of zscale
STRETCHES: Mapping[str, Callable[[NDArray[np.float64]], Any]] = {"zscale": ZScaleInterval(), "asinh": _asinh}


def triplet_png(triplet: NDArray[np.float32], stretch: str) -> bytes:
    """PNG of a triplet (3, size, size), side by side: grey, with transparent gaps of two pixels.

    Each pixel of a stamp is one of the image, and its first row is at the bottom, as in the figures. A
    constant image is black.
    """
    channels, height, width = triplet.shape
    canvas = np.zeros((height, channels * (width + GAP_PIXELS) - GAP_PIXELS, 2), np.uint8)
    for channel, image in enumerate(triplet):
        left = channel * (width + GAP_PIXELS)
        shown = STRETCHES[stretch](image.astype(np.float64))
        canvas[:, left : left + width, 0] = np.rint(255 * shown[::-1])
        canvas[:, left : left + width, 1] = 255
    written = BytesIO()
    Image.fromarray(canvas, "LA").save(written, "PNG")
    return written.getvalue()
