"""From alerts to stamps for a network; what is wrong with the others is said, and never filled in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stampshift.alerts import Alert
from stampshift.alerts.dialects import DIALECTS
from stampshift.release.contract import Contract
from stampshift.scoring.scores_file import NO_VALID_PIXEL, UNFIT
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.preprocessing import Counts, central_crop, normalise_and_fill, unfit
from stampshift.stamps.raw_triplets import InvalidPixels

Stamps = NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """What is known of a candidate before it is scored.

    Attributes
    ----------
    place, survey, identifier, group, survey_score
        As those of `alerts.Alert`.
    flag, reason
        Why it cannot be scored; both empty if it can.
    """

    place: str
    survey: str
    identifier: str
    group: str
    survey_score: float
    flag: str
    reason: str


def prepare(
    alerts: Iterable[Alert], *, contract: Contract, survey: str | None
) -> tuple[list[Candidate], Stamps]:
    """Preprocess alerts as the stamps were on which the model was trained.

    Parameters
    ----------
    alerts
        Of one or several surveys.
    contract
        Says how stamps are preprocessed, and which pixels of its surveys are marks.
    survey
        Name to give all of them, one of the model's surveys say; None for that of their packets.

    Returns
    -------
    candidates
        One per alert, in order.
    stamps
        float32 (n, 3, size, size) of those without a flag, in order.
    """
    candidates, pixels = [], []
    for alert in alerts:
        name = survey or alert.survey
        flag, reason = alert.problem, alert.detail
        if alert.images is not None:
            crops, flag, reason = _cropped(alert, name, contract)
            if not flag:
                pixels.append(crops)
        candidates.append(
            Candidate(
                place=alert.place,
                survey=name,
                identifier=alert.identifier,
                group=alert.group,
                survey_score=alert.survey_score,
                flag=flag,
                reason=reason,
            )
        )
    size = contract.size_pixels
    stacked = np.array(pixels, np.float32).reshape(-1, len(CHANNELS), size, size)
    # marks are NaN by now, which is invalid everywhere
    return candidates, normalise_and_fill(
        stacked, normalisation=contract.normalisation, invalid=InvalidPixels(), counts=Counts()
    )


def _cropped(alert: Alert, survey: str, contract: Contract) -> tuple[Stamps | None, str, str]:
    """Crops (3, size, size) of an alert with NaN for marks; or None, the flag, and the reason."""
    images, size = alert.images or (), contract.size_pixels
    problem = unfit(images, size_pixels=size)
    if problem:
        found = ", ".join(" x ".join(map(str, image.shape)) for image in images)
        reason = f"{alert.place}: expected three square images of at least {size} pixels, found {found}."
        return None, UNFIT[problem], reason
    crops = np.stack([central_crop(image, size_pixels=size) for image in images])
    for marks in _marks(alert.survey, survey, contract):
        crops[marks.mask(crops)] = np.nan
    empty = [name for name, crop in zip(CHANNELS, crops, strict=True) if not np.isfinite(crop).any()]
    if empty:
        reason = (
            f"{alert.place}: expected valid pixels in every image's central {size} x {size}, found none in "
            f"{' and '.join(empty)}."
        )
        return None, NO_VALID_PIXEL, reason
    return crops, "", ""


def _marks(dialect: str, survey: str, contract: Contract) -> Sequence[InvalidPixels]:
    marks = [DIALECTS[dialect].invalid] if dialect in DIALECTS else [InvalidPixels()]
    return [*marks, contract.invalid(survey)] if survey in contract.surveys else marks
