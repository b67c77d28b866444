"""The detection curve, and operating points read off it."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

ROUNDING = 1e-12  # 1 - 99/100 is a little more than 0.01


def mdr_at_fpr(curve: pd.DataFrame, rates: ArrayLike) -> NDArray[np.float64]:
    """Lowest missed-detection rate of any threshold whose false-positive rate does not exceed each rate.

    Parameters
    ----------
    curve
        Of `detection_curve`.
    rates
        (n,), false-positive rates.

    Returns
    -------
    numpy.ndarray
        float64 (n,): steps of the curve, nothing between two thresholds is made up.
    """
    index = np.searchsorted(curve["fpr"].to_numpy(), np.asarray(rates) + ROUNDING, side="right") - 1
    return curve["mdr"].to_numpy()[index]


def fpr_at_mdr(curve: pd.DataFrame, rates: ArrayLike) -> NDArray[np.float64]:
    """Lowest false-positive rate of any threshold whose missed-detection rate does not exceed each rate."""
    index = np.searchsorted(-curve["mdr"].to_numpy(), -np.asarray(rates) - ROUNDING, side="left")
    return curve["fpr"].to_numpy()[index]
