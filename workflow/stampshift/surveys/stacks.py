"""A candidate's triplet from what a table or a folder holds of it, by the survey's options."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError
from stampshift.stamps.differencing import template_of
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.preprocessing import InvalidPixels

COMPUTED_TEMPLATE = "science - difference"
Image = NDArray[np.float32]


def stored_channels(options: Mapping[str, Any]) -> list[str]:
    """Channels that the archive holds, in its order."""
    stored = [name for name in CHANNELS if name != "template" or options.get("template") != COMPUTED_TEMPLATE]
    return list(options.get("channels", stored))


def triplet_of(
    images: Mapping[str, Image], mask: NDArray[Any] | None, *, invalid: InvalidPixels, place: str
) -> tuple[Image, Image, Image]:
    """Template, science and difference, NaN where masked; a missing template is science - difference.

    Parameters
    ----------
    images
        2-D float32 by channel.
    mask
        Non-zero where a pixel is invalid: one for all channels (rows, columns), or one for each of `images`
        (channels, rows, columns); None if there is none.
    invalid
        The survey's marks of invalid pixels.
    place
        The candidate, for messages.

    Raises
    ------
    ArchiveError
        If the mask has another shape than the images.
    """
    masked = {
        name: image if mask is None else _masked(image, mask if mask.ndim == 2 else mask[channel], place)
        for channel, (name, image) in enumerate(images.items())
    }
    science, difference = masked["science"], masked["difference"]
    if "template" in masked:
        return masked["template"], science, difference
    return template_of(science, difference, invalid=invalid), science, difference


def named(planes: Sequence[Image], channels: Sequence[str], *, place: str) -> dict[str, Image]:
    """Images by channel, from the planes of a cube or a file.

    Raises
    ------
    ArchiveError
        If there are more or fewer planes than channels.
    """
    if len(planes) != len(channels):
        raise ArchiveError(
            f"{place}: expected {len(channels)} images ({', '.join(channels)}), found {len(planes)}. "
            "Complete or remove it, or declare its `channels` in the config."
        )
    return dict(zip(channels, planes, strict=True))


def _masked(image: Image, mask: NDArray[Any], place: str) -> Image:
    if mask.shape != image.shape:
        raise ArchiveError(
            f"{place}: expected a mask as large as the image, {image.shape}, found {mask.shape}. Correct the "
            "mask."
        )
    return np.where(mask != 0, np.float32(np.nan), image)
