"""What a reader of raw archives is, and how the readers of any survey make a triplet of what they found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.raw_triplets import Image, InvalidPixels, RawTriplet, Unusable, template_of

COMPUTED_TEMPLATE = "science - difference"


@dataclass(frozen=True)
class Reader:
    """How the raw archive of one survey is read."""

    # the archive's files among files and folders, in the order in which they are read
    files: Callable[[Sequence[Path]], list[Path]]
    # its work units, in archive order: picklable and bounded, raw bytes or where they lie
    units: Callable[[Sequence[Path]], Iterator[Any]]
    # candidates of one unit, in any process
    decode: Callable[[Any], Iterator[RawTriplet | Unusable]]
    # labels by identifier where the archive itself holds none
    label_file: Path | None = None
    # whether a candidate may come more than once; it counts once then
    repeats: bool = False


def stored_channels(options: Mapping[str, Any]) -> list[str]:
    """Channels that the archive holds, in its order."""
    stored = [name for name in CHANNELS if name != "template" or options.get("template") != COMPUTED_TEMPLATE]
    return list(options.get("channels", stored))


def named(planes: Sequence[Image], channels: Sequence[str], *, place: str) -> dict[str, Image]:
    """Images by channel, from the planes of a cube or a file; an `ArchiveError` if one misses or is left."""
    if len(planes) != len(channels):
        raise ArchiveError(
            f"{place}: expected {len(channels)} images ({', '.join(channels)}), found {len(planes)}. "
            "Complete or remove it, or declare its `channels` in the config."
        )
    return dict(zip(channels, planes, strict=True))


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
        The survey's marks of invalid pixels, which a computed template must not inherit.
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
    if "template" not in masked:
        return template_of(science, difference, invalid=invalid), science, difference
    return masked["template"], science, difference


def _masked(image: Image, mask: NDArray[Any], place: str) -> Image:
    if mask.shape != image.shape:
        raise ArchiveError(
            f"{place}: expected a mask as large as the image, {image.shape}, found {mask.shape}. Correct the "
            "mask."
        )
    return np.where(mask != 0, np.float32(np.nan), image)
