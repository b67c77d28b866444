"""What a reader of raw archives is, and how the readers of any survey make a triplet of what they found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stampshift.core.errors import ArchiveError
from stampshift.formats.fits import image_of
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.raw_triplets import Image, InvalidPixels, RawTriplet, Triplet, Unusable, triplet_of

COMPUTED_TEMPLATE = "science - difference"


class StoredCandidate(NamedTuple):
    """A candidate as its archive stores it; images are arrays or (gzipped) FITS bytes."""

    place: str  # for messages
    identifier: str
    group: str
    survey_class: str
    images: dict[str, Any]  # by the archive's names in the order of `CHANNELS`, perhaps without the template


def decode_stored(unit: Sequence[StoredCandidate], *, invalid: InvalidPixels) -> Iterator[RawTriplet]:
    """Triplets of stored candidates; a computed template does not inherit `invalid` pixels."""
    for place, identifier, group, survey_class, cells in unit:
        images = (image_of(cell, place=f"{place}, {name}") for name, cell in cells.items())
        yield RawTriplet(triplet_of(*images, invalid=invalid), survey_class, identifier, group)


@dataclass(frozen=True)
class Reader:
    """How the raw archive of one survey is read."""

    # the archive's files among files and folders, without the label file, in the order in which they are read
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


def masked_triplet(
    images: Mapping[str, Image], masks: Sequence[Image], *, invalid: InvalidPixels, place: str
) -> Triplet:
    """Template, science and difference, NaN where masked; a missing template is science - difference.

    There may be no mask, one for all `images`, or one for each of them, non-zero where a pixel is invalid; a
    computed template does not inherit `invalid` pixels either.
    """
    if len(masks) == 1:
        masks = list(masks) * len(images)
    if len(masks):
        by_channel = named(masks, list(images), place=f"{place}, mask")
        images = {name: _masked(image, by_channel[name], place) for name, image in images.items()}
    return triplet_of(*(images[name] for name in CHANNELS if name in images), invalid=invalid)


def _masked(image: Image, mask: Image, place: str) -> Image:
    if mask.shape != image.shape:
        raise ArchiveError(
            f"{place}: expected a mask as large as the image, {image.shape}, found {mask.shape}. Correct the "
            "mask."
        )
    return np.where(mask != 0, np.float32(np.nan), image)
