"""From raw triplets to stamps: filter, crop, normalise, fill, vectorised over blocks.

Preprocessing of Bolivar (2022), section 5.2, in this order:

1. filter: a triplet is dropped if an image is not square, if its images differ in size, or if they are
   smaller than the crop;
2. crop: the central `size_pixels` squared; the centre of an even-sized image is pixel ``size // 2``;
3. normalise, by name: ``channel``, each channel of each stamp to mean 0 and standard deviation 1 over its
   valid pixels, where a constant channel becomes 0; ``difference_mad`` of Ayyar et al. (2022), all three
   channels divided by the spread of the difference; or ``difference_mad_clipped``, the same with a bound;
4. fill: invalid pixels take the median of the channel's valid normalised pixels; a channel without any
   becomes 0.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from stampshift.stamps.counts import Counts
from stampshift.stamps.file import CHANNELS, DIFFERENCE, LABELS, UNLABELLED, UNLABELLED_CLASS
from stampshift.stamps.filtering import of_known_class, square, usable
from stampshift.stamps.triplets import RawTriplet, Unusable

BLOCK_TRIPLETS = 256  # 2.7 MB in float64 at 21 pixels: stays within a processor's cache
NORMAL_SIGMA = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
SMALLEST_SIGMA = 1e-10  # of a difference, in the survey's units; below it nothing is divided
CLIPPED_SIGMAS = 30.0


@dataclass(frozen=True)
class InvalidPixels:
    """Which pixel values of a survey are marks and not measurements; NaN and inf always are.

    A rule that is None does not apply: a survey's config names only the marks that it has.

    Attributes
    ----------
    equals
        Value that marks a masked pixel, in the survey's units.
    magnitude_above
        Pixels of at least this absolute value are marks.
    nonzero_below
        Pixels of less than this absolute value are marks, unless they are exactly 0.
    """

    equals: float | None = None
    magnitude_above: float | None = None
    nonzero_below: float | None = None

    def mask(self, pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which pixels are invalid, for float32 `pixels` of any shape."""
        invalid = ~np.isfinite(pixels)
        if self.equals is not None:
            invalid |= pixels == np.float32(self.equals)
        if self.magnitude_above is not None:
            invalid |= np.abs(pixels) >= self.magnitude_above
        if self.nonzero_below is not None:
            invalid |= (np.abs(pixels) < self.nonzero_below) & (pixels != 0)
        return invalid


@dataclass(frozen=True)
class Block:
    """Preprocessed stamps.

    Attributes
    ----------
    stamps
        float32 (n, 3, size, size), channels as `stamps.CHANNELS`, finite.
    labels
        uint8 (n,), 1 real and 0 bogus, 255 unlabelled.
    classes, ids, groups
        The survey's own class, the candidate's and the object's identifier, n of each.
    counts
        What preprocessing met.
    dropped_ids
        Candidates that were dropped, but for unlabelled ones.
    problems
        What was wrong with candidates of which no triplet could be made, a sentence of each.
    """

    stamps: NDArray[np.float32]
    labels: NDArray[np.uint8]
    classes: list[str]
    ids: list[str]
    groups: list[str]
    counts: Counts
    dropped_ids: list[str]
    problems: list[str]


def preprocess(
    triplets: Iterable[RawTriplet | Unusable],
    *,
    size_pixels: int,
    normalisation: str,
    invalid: InvalidPixels,
    classes: Mapping[str, str],
    unlabelled: str,
) -> Block:
    """Filter, crop, normalise and fill triplets; what was dropped, filled or constant is counted.

    Parameters
    ----------
    triplets
        Raw triplets; those dropped cost nothing, the others 1.3 KB per channel at 21 pixels.
    size_pixels
        Side of the crop.
    normalisation
        Key of `NORMALISATIONS`.
    invalid
        The survey's marks of invalid pixels.
    classes
        Map of each of the survey's classes to ``"real"`` or ``"bogus"``.
    unlabelled
        ``"keep"`` or ``"drop"``: what becomes of triplets that nobody has labelled.

    Raises
    ------
    ArchiveError
        If a triplet has a class that the map does not hold.
    """
    counts = Counts()
    stamps: list[NDArray[np.float32]] = [np.empty((0, len(CHANNELS), size_pixels, size_pixels), np.float32)]
    names: list[str] = []
    ids: list[str] = []
    groups: list[str] = []
    dropped_ids: list[str] = []
    problems: list[str] = []
    kept = usable(triplets, counts=counts, dropped_ids=dropped_ids, problems=problems)
    kept = of_known_class(kept, classes=classes, unlabelled=unlabelled, counts=counts)
    kept = square(kept, size_pixels=size_pixels, counts=counts, dropped_ids=dropped_ids)
    while block := list(islice(kept, BLOCK_TRIPLETS)):
        images = chain.from_iterable(triplet.images for triplet in block)
        pixels = np.stack([central_crop(image, size_pixels=size_pixels) for image in images])
        stamps.append(
            normalise_and_fill(
                pixels.reshape(len(block), *stamps[0].shape[1:]),
                normalisation=normalisation,
                invalid=invalid,
                counts=counts,
            )
        )
        names += [triplet.survey_class for triplet in block]
        ids += [triplet.identifier for triplet in block]
        groups += [triplet.group for triplet in block]
    kinds = [UNLABELLED_CLASS if name == UNLABELLED_CLASS else classes[name] for name in names]
    counts.kept = len(names)
    counts.classes.update(names)
    counts.labels.update(kinds)
    labels = np.array([LABELS.get(kind, UNLABELLED) for kind in kinds], np.uint8)
    return Block(np.concatenate(stamps), labels, names, ids, groups, counts, dropped_ids, problems)


def normalise_and_fill(
    pixels: NDArray[np.float32], *, normalisation: str, invalid: InvalidPixels, counts: Counts
) -> NDArray[np.float32]:
    """Normalise the valid pixels and fill the others with their channel's median.

    Parameters
    ----------
    pixels
        float32 (n, 3, size, size), channels as `stamps.CHANNELS`, in the survey's units.
    normalisation
        Key of `NORMALISATIONS`.
    invalid
        The survey's marks of invalid pixels.
    counts
        Its counts by channel are increased.

    Returns
    -------
    numpy.ndarray
        float32 of the same shape, finite.
    """
    mask = invalid.mask(pixels).reshape(*pixels.shape[:2], pixels.shape[2] * pixels.shape[3])
    flat = np.where(mask, 0.0, pixels.reshape(mask.shape).astype(np.float64))  # (n, 3, pixels)
    constant = NORMALISATIONS[normalisation](flat, mask)
    filled = mask.any(axis=-1)
    flat[filled] = _fill(flat[filled], mask[filled])
    empty = mask.all(axis=-1)
    for name, values in (
        ("filled_pixels", mask.sum(axis=-1)),
        ("filled_stamps", filled),
        ("constant", constant & ~empty),
        ("empty", empty),
    ):
        getattr(counts, name).update(dict(zip(CHANNELS, values.sum(axis=0).tolist(), strict=True)))
    return flat.astype(np.float32).reshape(pixels.shape)


def _by_channel(flat: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bring each channel to mean 0 and standard deviation 1, in place; tell which are constant.

    A channel counts as constant where its standard deviation (float64, over all valid pixels) is within
    the rounding of its largest float32 pixel: such a spread is no signal, and dividing by it would make
    it one.
    """
    divisor = np.maximum(mask.shape[-1] - mask.sum(axis=-1), 1)
    largest = np.abs(flat).max(axis=-1)
    flat -= (flat.sum(axis=-1) / divisor)[..., np.newaxis]
    flat[mask] = 0.0
    deviation = np.sqrt(np.einsum("ncp,ncp->nc", flat, flat) / divisor)
    constant: NDArray[np.bool_] = deviation <= np.finfo(np.float32).eps * largest
    flat /= np.where(constant, 1.0, deviation)[..., np.newaxis]
    flat[constant] = 0.0
    return constant


def _by_difference(flat: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Divide all channels by the difference's sigma, from its median absolute deviation, in place.

    The background stays where it is and brightness is in units of the noise (Ayyar et al. 2022). A
    difference of less than `SMALLEST_SIGMA` is constant, and its triplet is left in the survey's units.
    """
    difference, invalid = flat[:, DIFFERENCE], mask[:, DIFFERENCE]
    deviation = np.abs(difference - _medians(difference, invalid)[:, np.newaxis])
    sigma = NORMAL_SIGMA * _medians(deviation, invalid)
    constant = np.zeros(mask.shape[:2], bool)
    constant[:, DIFFERENCE] = sigma < SMALLEST_SIGMA
    flat /= np.where(sigma < SMALLEST_SIGMA, 1.0, sigma)[:, np.newaxis, np.newaxis]
    return constant


def _by_difference_clipped(flat: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`_by_difference`, then no pixel beyond `CLIPPED_SIGMAS`, in place.

    A bright star is thousands of sigmas: the batch that holds one is normalised by it, and batch statistics
    tell little of those of the whole. With few stamps a network then learns nothing that lasts.
    """
    constant = _by_difference(flat, mask)
    np.clip(flat, -CLIPPED_SIGMAS, CLIPPED_SIGMAS, out=flat)
    return constant


# each normalises (n, 3, pixels), invalid pixels being 0, in place, and tells which channels are constant
NORMALISATIONS: dict[str, Callable[[NDArray[np.float64], NDArray[np.bool_]], NDArray[np.bool_]]] = {
    "channel": _by_channel,
    "difference_mad": _by_difference,
    "difference_mad_clipped": _by_difference_clipped,
}


def _fill(rows: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Put the median of each row's valid pixels in the place of the others."""
    return np.where(mask, _medians(rows, mask)[:, np.newaxis], rows)


def _medians(rows: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median of each row's valid pixels; 0 of a row without any."""
    valid = rows.shape[1] - mask.sum(axis=1)
    ordered = np.sort(np.where(mask, np.inf, rows), axis=1)
    each = np.arange(len(rows))
    middle = np.maximum(valid, 1)
    median = (ordered[each, (middle - 1) // 2] + ordered[each, middle // 2]) / 2
    return np.where(valid > 0, median, 0.0)


def central_crop(image: NDArray[np.float32], *, size_pixels: int) -> NDArray[np.float32]:
    """Central `size_pixels` squared of a square image; the centre of an even size is pixel ``size // 2``."""
    start = image.shape[0] // 2 - size_pixels // 2
    window = slice(start, start + size_pixels)
    return image[window, window]
