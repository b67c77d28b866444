"""What a reader of raw archives is, and what the readers of any survey share: how images become triplets."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError
from stampshift.core.parallel import Recovery
from stampshift.formats.fits import image_of
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.raw_triplets import Image, InvalidPixels, RawTriplet, Triplet, Unusable, triplet_of

# reasons of unusable candidates
MISSING_LABEL, UNKNOWN_LABEL = "missing label", "unknown label"
MISSING_IMAGE, UNREADABLE_IMAGE, WRONG_SHAPE = "missing image", "unreadable image", "wrong shape"
COMPUTED_TEMPLATE = "science - difference"
# names of extensions that say what is in them, in capitals
EXTENSIONS = {
    **dict.fromkeys(("TEMPLATE", "TMPL", "TEMP", "REFERENCE", "REF"), "template"),
    **dict.fromkeys(("SCIENCE", "SCI", "SEARCH", "SRCH"), "science"),
    **dict.fromkeys(("DIFFERENCE", "DIFF"), "difference"),
}


def wrong_label(label: object, known: Iterable[object]) -> str:
    """Why a number is none of the `known` labels: it is missing, or another; "" if it is one."""
    if label is None or (isinstance(label, float) and label != label):
        return MISSING_LABEL
    return "" if isinstance(label, int | float) and label in known else UNKNOWN_LABEL


def as_array(value: Any) -> NDArray[Any]:
    """An array of anything; rows of different lengths are none, and give an empty one."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError):
        return np.empty(0)


class StoredCandidate(NamedTuple):
    """A candidate as its archive stores it; images are arrays or (gzipped) FITS bytes."""

    place: str  # for messages
    identifier: str
    group: str
    survey_class: str
    images: dict[str, Any]  # by the archive's names in the order of `CHANNELS`, perhaps without the template


def decode_stored(
    unit: Sequence[StoredCandidate | Unusable], *, invalid: InvalidPixels
) -> Iterator[RawTriplet | Unusable]:
    """Triplets of stored candidates; a computed template does not inherit `invalid` pixels."""
    for candidate in unit:
        if isinstance(candidate, Unusable):
            yield candidate
            continue
        place, identifier, group, survey_class, cells = candidate
        try:
            images = [image_of(cell, place=f"{place}, {name}") for name, cell in cells.items()]
        except ArchiveError as error:
            missing = any(cell is None for cell in cells.values())
            yield Unusable(MISSING_IMAGE if missing else UNREADABLE_IMAGE, identifier, str(error))
        else:
            yield RawTriplet(triplet_of(*images, invalid=invalid), survey_class, identifier, group)


@dataclass(frozen=True)
class Reader:
    """How the raw archive of one survey is read."""

    # files with the archive's content, by files and folders, without the label file, in the order in which
    # they are read
    files: Callable[[Sequence[Path]], list[Path]]
    # its work units, in archive order: picklable and bounded, raw bytes or where they are
    units: Callable[[Sequence[Path]], Iterator[Any]]
    # candidates of one unit, in any process
    decode: Callable[[Any], Iterator[RawTriplet | Unusable]]
    # classes that are known before any image is read, each with its place
    classes: Callable[[Sequence[Path]], Iterator[tuple[str, str]]] | None = None
    # labels by identifier where the archive itself holds none
    label_file: Path | None = None
    # whether a candidate may come more than once; it counts once then
    repeats: bool = False
    # whether only a share of its candidates may be unusable, and what else to do if more are
    bounded: bool = False
    remedy: str = ""
    # what becomes of a unit that ends the process that decodes it, or takes longer than so many seconds;
    # without it, the former ends the whole job
    recovery: Callable[[float], Recovery[Any]] | None = None
    # of a unit, the text that names its place and begins with its file; without it, progress has no share
    place: Callable[[Any], str] | None = None

    def candidates(self, paths: Sequence[Path]) -> Iterator[RawTriplet | Unusable]:
        """Candidates of files and folders in the archive's order, decoded in this process one by one."""
        return chain.from_iterable(map(self.decode, self.units(paths)))


def stored_channels(options: Mapping[str, Any]) -> list[str]:
    """Channels that the archive holds, in its order."""
    stored = [name for name in CHANNELS if name != "template" or options.get("template") != COMPUTED_TEMPLATE]
    return list(options.get("channels", stored))


def named(
    planes: Sequence[Image],
    channels: Sequence[str],
    *,
    place: str,
    extensions: Sequence[str] = (),
    declared: bool = False,
) -> dict[str, Image]:
    """Images by channel, from the planes of a cube or a file; an `ArchiveError` if their numbers differ.

    `channels` is their order. Where the names of a file's `extensions` say which image is which, they count,
    and a `declared` order has to agree with them; names that do so for some images only have to agree, too.
    """
    if len(planes) != len(channels):
        raise ArchiveError(
            f"{place}: expected {len(channels)} images ({', '.join(channels)}), found {len(planes)}. "
            "Complete or remove it, or declare its `channels` in the config."
        )
    said = [EXTENSIONS.get(name.strip().upper(), "") for name in extensions]
    whole = sorted(said) == sorted(channels)
    differs = any(name and name != channel for name, channel in zip(said, channels, strict=False))
    if differs and (declared or not whole):
        raise ArchiveError(
            f"{place}: expected the images {', '.join(channels)} in this order, found extensions called "
            f"{', '.join(name or 'nothing' for name in extensions)}. Correct the names, or the order in the "
            "config's `channels`."
        )
    return dict(zip(said if whole else channels, planes, strict=True))


def masked_triplet(
    images: Mapping[str, Image], masks: Sequence[Image], *, invalid: InvalidPixels, place: str
) -> Triplet:
    """Template, science and difference, NaN where masked; a missing template is science - difference.

    There may be no mask, one for all `images`, or one for each of them, non-zero where a pixel is invalid; a
    computed template does not inherit `invalid` pixels either.
    """
    if len(masks) == 1:
        masks = list(masks) * len(images)
    masked = dict(images)
    for name, mask in (named(masks, list(images), place=f"{place}, mask") if masks else {}).items():
        if mask.shape != images[name].shape:
            raise ArchiveError(
                f"{place}: expected a mask as large as the image, {images[name].shape}, found {mask.shape}. "
                "Correct the mask."
            )
        masked[name] = np.where(mask != 0, np.float32(np.nan), images[name])
    return triplet_of(*(masked[name] for name in CHANNELS if name in masked), invalid=invalid)
