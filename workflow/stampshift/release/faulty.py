"""Stamps made wrong on purpose: what a flag for unfamiliar stamps should detect.

Each fault takes preprocessed float32 (n, 3, size, size) stamps and a generator, and gives as many wrong ones.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stampshift.stamps.file import CHANNELS

Images = NDArray[np.float32]
Fault = Callable[[Images, np.random.Generator], Images]
TEMPLATE, SCIENCE, DIFFERENCE = range(len(CHANNELS))


def _noise(stamps: Images, generator: np.random.Generator) -> Images:
    """White noise of the same mean and deviation, image by image."""
    noise = generator.standard_normal(stamps.shape, dtype=np.float32)
    mean, deviation = (each(stamps, axis=(2, 3), keepdims=True) for each in (np.mean, np.std))
    return noise * deviation + mean


def _shuffled(stamps: Images, generator: np.random.Generator) -> Images:
    """Pixels in another place, the same for all stamps, as after a wrong byte order or stride."""
    order = generator.permutation(stamps.shape[2] * stamps.shape[3])
    return stamps.reshape(*stamps.shape[:2], -1)[..., order].reshape(stamps.shape)


def _reordered(*order: int) -> Fault:
    return lambda stamps, _: np.ascontiguousarray(stamps[:, order])


def _times(factor: float, channels: Sequence[int]) -> Fault:
    """Some channels times a factor; preprocessing makes an image without a valid pixel 0."""
    factors = np.where(np.isin(range(len(CHANNELS)), channels), np.float32(factor), np.float32(1))
    return lambda stamps, _: stamps * factors[:, np.newaxis, np.newaxis]


FAULTS: Mapping[str, Fault] = {
    "science and difference swapped": _reordered(TEMPLATE, DIFFERENCE, SCIENCE),
    "template and science swapped": _reordered(SCIENCE, TEMPLATE, DIFFERENCE),
    "images in turn (science, difference, template)": _reordered(SCIENCE, DIFFERENCE, TEMPLATE),
    "template empty": _times(0, [TEMPLATE]),
    "science empty": _times(0, [SCIENCE]),
    "difference empty": _times(0, [DIFFERENCE]),
    "all images empty": _times(0, range(3)),
    "difference upside down": _times(-1, [DIFFERENCE]),
    "all images upside down": _times(-1, range(3)),
    "pixels shuffled": _shuffled,
    "white noise": _noise,
}
