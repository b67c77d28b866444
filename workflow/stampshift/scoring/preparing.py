"""From alerts to stamps for a network; alerts with a problem are reported, and nothing is filled in."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stampshift.alerts import Alert
from stampshift.alerts.dialects import DIALECTS
from stampshift.release.contract import Contract
from stampshift.scoring.scores_file import NO_VALID_PIXEL, UNFIT
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.preprocessing import Counts, central_crop, normalise_and_fill, unfit
from stampshift.stamps.raw_triplets import InvalidPixels

Images = NDArray[np.float32]


def prepare(alerts: Iterable[Alert], *, contract: Contract, survey: str | None) -> tuple[list[Alert], Images]:
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
    for alert in alerts:
        name, problem, detail = survey or alert.survey, alert.problem, alert.detail
        if alert.images is not None:
            crops, problem, detail = _cropped(alert, name, contract)
            if crops is not None:
                pixels.append(crops)
        candidates.append(replace(alert, survey=name, images=None, problem=problem, detail=detail))
    size = contract.size_pixels
    stacked = np.array(pixels, np.float32).reshape(-1, len(CHANNELS), size, size)
    # marks are NaN by now, which is invalid everywhere
    return candidates, normalise_and_fill(
        stacked, normalisation=contract.normalisation, invalid=InvalidPixels(), counts=Counts()
    )


def _cropped(alert: Alert, survey: str, contract: Contract) -> tuple[Images | None, str, str]:
    """Crops (3, size, size) of an alert with NaN for marks; or None, the problem, and the reason."""
    images, size = alert.images or (), contract.size_pixels
    problem = unfit(images, size_pixels=size)
    if problem:
        found = ", ".join(" x ".join(map(str, image.shape)) for image in images)
        reason = f"{alert.place}: expected three square images of at least {size} pixels, found {found}."
        return None, UNFIT[problem], reason
    crops = np.stack([central_crop(image, size_pixels=size) for image in images])
    marks = [DIALECTS[alert.survey].invalid if alert.survey in DIALECTS else InvalidPixels()]
    marks += [contract.invalid(survey)] if survey in contract.surveys else []
    for each in marks:
        crops[each.mask(crops)] = np.nan
    empty = [name for name, crop in zip(CHANNELS, crops, strict=True) if not np.isfinite(crop).any()]
    if empty:
        reason = (
            f"{alert.place}: expected valid pixels in every image's central {size} x {size}, found none in "
            f"{' and '.join(empty)}."
        )
        return None, NO_VALID_PIXEL, reason
    return crops, "", ""
