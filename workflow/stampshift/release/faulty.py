"""Stamps made wrong on purpose: what a flag for the unlike should see.

Each takes float32 (n, 3, size, size) stamps, preprocessed, and a generator, and gives as many wrong ones.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stampshift.stamps.file import CHANNELS, DIFFERENCE

Images = NDArray[np.float32]
Fault = Callable[[Images, np.random.Generator], Images]
TEMPLATE, SCIENCE = CHANNELS.index("template"), CHANNELS.index("science")


def _noise(stamps: Images, generator: np.random.Generator) -> Images:
    """White noise of the same mean and deviation, image by image."""
    noise = generator.standard_normal(stamps.shape, dtype=np.float32)
    mean, deviation = (each(stamps, axis=(2, 3), keepdims=True) for each in (np.mean, np.std))
    return noise * deviation + mean


def _reordered(stamps: Images, generator: np.random.Generator, *, order: tuple[int, ...]) -> Images:  # noqa: ARG001
    return np.ascontiguousarray(stamps[:, order])


def _empty(stamps: Images, generator: np.random.Generator, *, channels: tuple[int, ...]) -> Images:  # noqa: ARG001
    """Channels without a valid pixel, or constant: preprocessing makes them 0."""
    emptied = stamps.copy()
    emptied[:, channels] = 0
    return emptied


def _turned(stamps: Images, generator: np.random.Generator, *, channels: tuple[int, ...]) -> Images:  # noqa: ARG001
    """Flux upside down."""
    turned = stamps.copy()
    turned[:, channels] *= -1
    return turned


def _shuffled(stamps: Images, generator: np.random.Generator) -> Images:
    """Pixels in another place, the same for all: what byte order and strides do."""
    order = generator.permutation(stamps.shape[2] * stamps.shape[3])
    return stamps.reshape(*stamps.shape[:2], -1)[..., order].reshape(stamps.shape)


FAULTS: Mapping[str, Fault] = {
    "science and difference swapped": partial(_reordered, order=(TEMPLATE, DIFFERENCE, SCIENCE)),
    "template and science swapped": partial(_reordered, order=(SCIENCE, TEMPLATE, DIFFERENCE)),
    "images in turn (science, difference, template)": partial(
        _reordered, order=(SCIENCE, DIFFERENCE, TEMPLATE)
    ),
    "template empty": partial(_empty, channels=(TEMPLATE,)),
    "science empty": partial(_empty, channels=(SCIENCE,)),
    "difference empty": partial(_empty, channels=(DIFFERENCE,)),
    "all images empty": partial(_empty, channels=(TEMPLATE, SCIENCE, DIFFERENCE)),
    "difference upside down": partial(_turned, channels=(DIFFERENCE,)),
    "all images upside down": partial(_turned, channels=(TEMPLATE, SCIENCE, DIFFERENCE)),
    "pixels shuffled": _shuffled,
    "white noise": _noise,
}
