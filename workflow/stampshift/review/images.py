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


Stretch = Callable[[NDArray[np.float64]], Any]
SHARED = "-shared"
EACH: Mapping[str, Stretch] = {"zscale": ZScaleInterval(), "asinh": _asinh}
# of each image of a triplet separately, or of all three by the same limits, each above its median, the sky;
# greys are linear between the limits of zscale
STRETCHES: Mapping[str, Stretch] = {**EACH, **{f"{name}{SHARED}": stretch for name, stretch in EACH.items()}}


def triplet_png(triplet: NDArray[np.float32], stretch: str) -> bytes:
    """PNG of a triplet (3, size, size), side by side: grey, with transparent gaps of two pixels.

    Each pixel of a stamp is one of the image, and its first row is at the bottom, as in the figures. A
    constant image is black, a NaN transparent. `stretch` is a key of `STRETCHES`.
    """
    channels, height, width = triplet.shape
    canvas = np.zeros((height, channels * (width + GAP_PIXELS) - GAP_PIXELS, 2), np.uint8)
    valid = np.isfinite(triplet)
    if stretch.endswith(SHARED):
        skies = np.array(
            [np.median(image[good]) if good.any() else 0 for image, good in zip(triplet, valid, strict=True)]
        )
        greys = _grey(triplet - skies[:, np.newaxis, np.newaxis], valid, STRETCHES[stretch])
    else:
        greys = np.stack(
            [_grey(image, good, STRETCHES[stretch]) for image, good in zip(triplet, valid, strict=True)]
        )
    for channel in range(channels):
        left = channel * (width + GAP_PIXELS)
        canvas[:, left : left + width, 0] = greys[channel, ::-1]
        canvas[:, left : left + width, 1] = 255 * valid[channel, ::-1]
    written = BytesIO()
    Image.fromarray(canvas, "LA").save(written, "PNG")
    return written.getvalue()


def _grey(images: NDArray[np.floating], valid: NDArray[np.bool_], stretch: Stretch) -> NDArray[np.uint8]:
    """Greys of one image or several by the same limits; invalid pixels do not count."""
    grey = np.zeros(images.shape, np.uint8)
    if valid.any():
        grey[valid] = np.rint(255 * np.asarray(stretch(images[valid].astype(np.float64))))
    return grey
