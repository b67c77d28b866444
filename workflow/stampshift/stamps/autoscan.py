"""DES' autoscan table: the names of its 38 features, and the 18 of them that need the stamps alone.

Both are those of table 2 of Goldstein et al. (2015, AJ 150, 82). The stamps' features are measured on images
binned 2 x 2, in boxes of 5 x 5 and 7 x 7.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter

STAMP_FEATURES = (
    "DIFFSUMRN", "NUMNEGRN", "N2SIG3", "N3SIG3", "N2SIG5", "N3SIG5",
    "N2SIG3SHIFT", "N3SIG3SHIFT", "N2SIG5SHIFT", "N3SIG5SHIFT",
    "GAUSS", "SCALE", "AMP", "COLMEDS", "MASKFRAC", "LACOSMIC", "L1", "FLUX_RATIO",
)  # fmt: skip
DETECTION_FEATURES = (
    "GFLUX", "MAG", "SNR", "A_IMAGE", "B_IMAGE", "ELLIPTICITY", "FLAGS", "SPREAD_MODEL",
    "SPREADERR_MODEL", "MAG_FROM_LIMIT", "MIN_DISTANCE_TO_EDGE_IN_NEW", "CCDID", "BAND",
)  # fmt: skip
REFERENCE_FEATURES = ("MAG_REF", "MAG_REF_ERR", "A_REF", "B_REF", "NN_DIST_RENORM", "MAGLIM", "MAGDIFF")
# the table's own order is alphabetical
COLUMNS = tuple(sorted((*STAMP_FEATURES, *DETECTION_FEATURES, *REFERENCE_FEATURES)))

TABLE = "autoscan_features.3.csv"
# of a simulated archive in DES' format: the true labels, where wrong ones were planted in its table
PLANTED = "planted_flips.csv"

FIT_PIXELS = 15
SMALLEST_STAMP = FIT_PIXELS  # pixels; what holds the fit's box holds 7 x 7 binned ones too
FIT_SIGMAS = np.linspace(0.5, 5.0, 19)
APERTURE_PIXELS = 5.0
Stack = NDArray[np.float64]


def stamp_features(
    template: Stack, difference: Stack, *, masked: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Measure the 18 `STAMP_FEATURES` of images (n, size, size) in the survey's units: finite float64 (n,).

    The size is `SMALLEST_STAMP` pixels or more. Pixels `masked` in either image are 0 after normalising.
    """
    values, reference = normalised(difference, masked=masked), normalised(template, masked=masked)
    binned, binned_reference = binned_by_two(values), binned_by_two(reference)
    features = {
        "DIFFSUMRN": _box(binned, 5).sum((1, 2)),
        "NUMNEGRN": (_box(binned, 7) < 0).sum((1, 2)),
        "COLMEDS": np.median(values, axis=1).max(axis=1),
        "MASKFRAC": masked.mean((1, 2)),
    }
    for radius, side in ((3, 5), (5, 7)):
        box, reference_box = _box(binned, side), _box(binned_reference, side)
        for threshold in (2, 3):
            features[f"N{threshold}SIG{radius}"] = (box <= -threshold).sum((1, 2))
            bright, in_template = ((each >= threshold).sum((1, 2)) for each in (box, reference_box))
            features[f"N{threshold}SIG{radius}SHIFT"] = bright - in_template
    total = values.sum((1, 2))
    features["L1"] = np.sign(total) * np.abs(values).sum((1, 2)) / np.maximum(np.abs(total), 1e-9)
    features["GAUSS"], features["SCALE"], features["AMP"] = gaussian_fit(_box(values, FIT_PIXELS))
    features["LACOSMIC"] = values.max((1, 2)) / np.maximum(fine_structure(values).max((1, 2)), 1e-9)
    aperture = _squared_radii(values.shape[1]) <= APERTURE_PIXELS**2
    in_difference = np.where(masked, 0, difference)[:, aperture].sum(1)
    in_reference = np.abs(np.where(masked, 0, template)[:, aperture].sum(1))
    features["FLUX_RATIO"] = in_difference / np.maximum(in_reference, 1e-9)
    return {name: np.asarray(column, np.float64) for name, column in features.items()}


def normalised(stack: Stack, *, masked: NDArray[np.bool_]) -> Stack:
    """Subtract the median and divide by the NMAD (1.4826 x median absolute deviation) of unmasked pixels."""
    flat = np.where(masked, np.nan, stack).reshape(len(stack), -1)
    # an entirely masked stamp has no median
    flat[np.isnan(flat).all(1)] = 0
    center = _row_medians(flat)
    spread = 1.4826 * _row_medians(np.abs(flat - center))
    scaled = (flat - center) / np.where(spread > 0, spread, 1)
    return np.nan_to_num(scaled, nan=0.0).reshape(stack.shape)


def _row_medians(flat: Stack) -> Stack:
    """Take the median of each row, not-a-numbers left out, as a column."""
    medians = np.median(flat, axis=1, keepdims=True)
    # few rows have gaps, and the median that skips them is ten times slower
    gaps = np.isnan(medians[:, 0])
    medians[gaps] = np.nanmedian(flat[gaps], axis=1, keepdims=True)
    return np.asarray(medians)


def binned_by_two(stack: Stack) -> Stack:
    """Mean of 2 x 2 pixels, scaled to unit noise; the last row and column of an odd stamp are left out."""
    side = stack.shape[1] // 2 * 2
    blocks = stack[:, :side, :side].reshape(len(stack), side // 2, 2, side // 2, 2)
    return blocks.sum((2, 4)) / 2


def gaussian_fit(boxes: Stack) -> tuple[Stack, Stack, Stack]:
    """Least-squares fit of a round Gaussian at the centre: chi-square, sigma (px, of a grid), amplitude."""
    squared_radii = _squared_radii(boxes.shape[1])
    models = np.exp(-squared_radii / (2 * FIT_SIGMAS[:, None, None] ** 2)).reshape(len(FIT_SIGMAS), -1)
    data = boxes.reshape(len(boxes), -1)
    projections, norms = data @ models.T, (models**2).sum(1)
    chi2 = (data**2).sum(1, keepdims=True) - projections**2 / norms
    best = chi2.argmin(1)
    rows = np.arange(len(boxes))
    return chi2[rows, best], FIT_SIGMAS[best], projections[rows, best] / norms[best]


def fine_structure(stack: Stack) -> Stack:
    """Median over 3 x 3 less its own mean over 7 x 7, as LACosmic does (van Dokkum 2001, eq. 14).

    For speed the median is taken along rows and then columns, and the wide one is a mean.
    """
    small = median_filter(median_filter(stack, 3, axes=1), 3, axes=2)
    return np.asarray(small - uniform_filter(small, size=(1, 7, 7)))


def _box(stack: Stack, side: int) -> Stack:
    first = stack.shape[1] // 2 - side // 2
    return stack[:, first : first + side, first : first + side]


def _squared_radii(size_pixels: int) -> Stack:
    """Squared distance of every pixel from the central one."""
    axis = np.arange(size_pixels, dtype=np.float64) - size_pixels // 2
    return np.asarray(axis**2 + axis[:, np.newaxis] ** 2)
