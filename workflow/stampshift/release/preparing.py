"""From alerts or raw cutouts to the stamps that a released model scores. What has no score stays so."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from stampshift.alerts.dialects import DIALECTS, Alert
from stampshift.release.contract import Contract
from stampshift.stamps.cropping import central_crop, unfit
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.preprocessing import NO_INFORMATION, Counts, normalise_and_fill, without_information
from stampshift.stamps.raw_triplets import InvalidPixels

NO_VALID_PIXEL = "no valid pixel"
UNFIT = {"non_square": "not square", "ragged": "sizes differ", "too_small": "too small"}

Images = NDArray[np.float32]


def prepare(found: Iterable[Alert], *, contract: Contract, survey: str | None) -> tuple[list[Alert], Images]:
    """Preprocess alerts as the stamps were on which the model was trained.

    The survey is a name to give all of them, such as one of the model's; None leaves them that of their
    packets.

    Returns
    -------
    candidates
        The alerts in order, without their images, under that name and with the problem that forbids a score.
    stamps
        float32 (n, 3, size, size) of those without a problem, in order.
    """
    candidates, pixels = [], []
    for alert in found:
        name, crops = survey or alert.survey, None
        if alert.images is not None:
            crops, problem, detail = _cropped(alert, name, contract)
            if crops is None:
                alert = replace(alert, problem=problem, detail=detail)
            else:
                pixels.append(crops)
        candidates.append(replace(alert, survey=name, images=None))
    size = contract.size_pixels
    stacked = np.array(pixels, np.float32).reshape(-1, len(CHANNELS), size, size)
    blank = without_information(stacked, invalid=InvalidPixels())
    fit = [row for row, candidate in enumerate(candidates) if not candidate.problem]
    for row in compress(fit, blank):
        reason = f"{candidates[row].place}: expected images of something, found each of the three constant."
        candidates[row] = replace(candidates[row], problem=NO_INFORMATION, detail=reason)
    stacked = stacked[~blank]
    # marks are NaN by now, which is invalid everywhere
    return candidates, normalise_and_fill(
        stacked, normalisation=contract.normalisation, invalid=InvalidPixels(), counts=Counts()
    )


def marks_of(contract: Contract, *, dialect: str, survey: str) -> list[InvalidPixels]:
    """Marks of invalid pixels of a dialect of packets, and of a survey of the model, where they are known."""
    marks = [DIALECTS[dialect].invalid] if dialect in DIALECTS else []
    return marks + ([contract.invalid(survey)] if survey in contract.surveys else [])


def _cropped(alert: Alert, survey: str, contract: Contract) -> tuple[Images | None, str, str]:
    """Crops (3, size, size) of an alert with NaN for marks; or None, the problem, and the reason."""
    images, size = alert.images or (), contract.size_pixels
    problem = unfit(images, size_pixels=size)
    if problem:
        sizes = ", ".join(" x ".join(map(str, image.shape)) for image in images)
        reason = f"{alert.place}: expected three square images of at least {size} pixels, found {sizes}."
        return None, UNFIT[problem], reason
    crops = np.stack([central_crop(image, size_pixels=size) for image in images])
    for marks in marks_of(contract, dialect=alert.survey, survey=survey):
        crops[marks.mask(crops)] = np.nan
    empty = [name for name, crop in zip(CHANNELS, crops, strict=True) if not np.isfinite(crop).any()]
    if empty:
        reason = (
            f"{alert.place}: expected valid pixels in every image's central {size} x {size}, found none in "
            f"{' and '.join(empty)}."
        )
        return None, NO_VALID_PIXEL, reason
    return crops, "", ""
