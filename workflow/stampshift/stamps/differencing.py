"""The template that a survey does not publish: science - difference."""

import numpy as np
from numpy.typing import NDArray

from stampshift.stamps.preprocessing import InvalidPixels


def template_of(
    science: NDArray[np.float32], difference: NDArray[np.float32], *, invalid: InvalidPixels
) -> NDArray[np.float32]:
    """Science minus difference, NaN where either is invalid.

    Left to themselves, the marks of invalid pixels would become ordinary, if odd, pixels of the template.

    Parameters
    ----------
    science, difference
        2-D float32, in the survey's units. If they differ in shape there is no template: the science image
        stands in its place, and preprocessing drops the triplet as ragged.
    invalid
        The survey's marks of invalid pixels.

    Returns
    -------
    numpy.ndarray
        float32 of the shape of `science`.
    """
    if science.shape != difference.shape:
        return science
    with np.errstate(invalid="ignore", over="ignore"):
        template: NDArray[np.float32] = science - difference
    template[invalid.mask(science) | invalid.mask(difference)] = np.nan
    return template
