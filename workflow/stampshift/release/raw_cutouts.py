"""Cutouts that a user has as arrays, taken as alerts: they are preprocessed and refused as packets are."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stampshift.alerts.dialects import DIALECTS, NO_SCORE, Alert
from stampshift.core.errors import ContractError
from stampshift.stamps.file import CHANNELS

Cutouts = NDArray[np.generic] | Sequence[ArrayLike]  # (N, height, width), or N images


def alerts_of(
    template: Cutouts, science: Cutouts, difference: Cutouts, *, survey: str, known: Collection[str]
) -> Iterator[Alert]:
    """Alerts of one survey with these images, in float32, NaN where they are masked.

    Raises a `ContractError`, before the first, if the images do not go together, or the survey is neither
    among the `known` ones nor a dialect of packets.
    """
    if survey not in {*known, *DIALECTS}:
        raise ContractError(
            f"expected one of the surveys {', '.join(dict.fromkeys([*known, *DIALECTS]))}, found {survey!r}; "
            "leave the survey out for that of the model."
        )
    cutouts = dict(zip(CHANNELS, (template, science, difference), strict=True))
    for name, images in cutouts.items():
        if getattr(images, "ndim", 3) == 2:
            raise ContractError(
                f"{name}: expected (candidates, height, width), found one image; give "
                f"{name}[numpy.newaxis] for one candidate."
            )
    counts = {name: len(images) for name, images in cutouts.items()}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise ContractError(f"expected as many cutouts of each kind, found {found}.")
    return (
        Alert(f"candidate {row}", survey, "", "", (_image(a), _image(b), _image(c)), "", "", NO_SCORE)
        for row, (a, b, c) in enumerate(zip(template, science, difference, strict=True))
    )


def _image(cutout: ArrayLike) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and invalid
        return np.ma.filled(np.ma.asarray(cutout).astype(np.float32), np.nan)
