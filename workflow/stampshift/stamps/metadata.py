"""What a survey says of a candidate beside its pixels: for people who look at it, never for training."""

from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TEXT_BYTES = 12  # of a band or a detector, in UTF-8


class Metadata(NamedTuple):
    """Where, when, how bright and by which detector a candidate was seen.

    What is not known is NaN, ``""`` or, as a sign, 0.
    """

    ra: float = np.nan  # degrees, as is dec
    dec: float = np.nan
    magnitude: float = np.nan  # of the difference
    snr: float = np.nan
    band: str = ""
    ccd: str = ""
    mjd: float = np.nan  # days, UTC: the start or the middle of the exposure, whichever the survey gives
    sign: int = 0  # 1 where the difference is positive (brighter than the template), -1 where it is negative


NO_METADATA = Metadata()
TEXTS = ("band", "ccd")
# of a stamps file, which has no time and no sign: labels are given without; texts in UTF-8
NUMBERS = {"ra": "f8", "dec": "f8", "magnitude": "f4", "snr": "f4"}
DTYPE = np.dtype([*NUMBERS.items(), *((name, f"S{TEXT_BYTES}") for name in TEXTS)])
LIMITS = {"ra": (0, 360), "dec": (-90, 90), "magnitude": (-30, 40), "snr": (-1e6, 1e6)}
YEARS_1858_TO_2405 = (0, 200_000)  # as MJD


def metadata_of(found: dict[str, object]) -> Metadata:
    """Metadata from whatever an archive has, by the names of its fields; what cannot be is left out."""
    ra, dec, magnitude, snr = (_number(found.get(name), *limits) for name, limits in LIMITS.items())
    mjd, sign = _number(found.get("mjd"), *YEARS_1858_TO_2405), _number(found.get("sign"), -1, 1)
    texts = _text(found.get("band")), _text(found.get("ccd"))
    return Metadata(ra, dec, magnitude, snr, *texts, mjd, 0 if isnan(sign) else int(sign))


def as_table(metadata: Sequence[Metadata]) -> NDArray[np.void]:
    """Rows of `DTYPE`."""
    rows = [(*each[:4], each.band.encode(), each.ccd.encode()) for each in metadata]
    return np.array(rows, DTYPE)


def of_row(row: np.void) -> Metadata:
    """One row of `as_table`."""
    ra, dec, magnitude, snr = (float(row[name]) for name in LIMITS)
    return Metadata(ra, dec, magnitude, snr, *(row[name].decode("utf-8", "replace") for name in TEXTS))


def _number(value: object, low: float, high: float) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return np.nan
    return number if low <= number <= high else np.nan


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    return str(value).strip().encode("utf-8", "ignore")[:TEXT_BYTES].decode("utf-8", "ignore")
