"""Errors of every model on candidates of high signal-to-noise ratio, beside the others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stampshift.des_study.categories import CONTRADICTED, six_categories
from stampshift.des_study.models import common_stamps
from stampshift.metrics.metrics import THRESHOLD
from stampshift.stamps.file import REAL, Stamps
from stampshift.stamps.identifiers import rows_of
from stampshift.tables.wording import model_name
from stampshift.tables.writing import Table, format_number

HIGH_SNR = 10.0  # twice the usual threshold of a detection
GROUPS = {"high": f"S/N ≥ {HIGH_SNR:g}", "low": f"S/N < {HIGH_SNR:g}"}


def snr_of_rows(stamps: Stamps, ratios: pd.DataFrame) -> pd.Series:
    """S/N of every stamp, by row of the stamps file; `ratios` has the columns ``id`` and ``SNR``."""
    lines = rows_of(
        stamps.ids,
        among=ratios["id"],
        source=f"{stamps.survey}: the table of S/N",
        remedy="Use the table that belongs to the stamps.",
    )
    return pd.Series(ratios["SNR"].to_numpy(np.float64)[lines])


def high_snr_errors(predictions: pd.DataFrame, *, snr: pd.Series, bounds: Sequence[float]) -> pd.DataFrame:
    """Errors of every model on the stamps that all judge, by ``snr`` group (key of `GROUPS`).

    ``mdr`` and ``fpr`` are at a score of one half (NaN without a stamp of the label); ``contradicted``
    counts stamps of categories 1 and 6. Stamps without S/N are left out.
    """
    common = common_stamps(predictions)
    ratio = common["row"].map(snr)
    masks = {"high": ratio >= HIGH_SNR, "low": ratio < HIGH_SNR}
    return pd.DataFrame(
        {"snr": group, "model": str(model)} | _errors(rows, bounds=bounds)
        for group, mask in masks.items()
        for model, rows in common[mask].groupby("method", observed=True)
    )


def high_snr_table(numbers: pd.DataFrame, *, title: str, label: str) -> Table:
    """Print the numbers of `high_snr_errors`."""
    rows = [
        {
            "stamps": f"{GROUPS[line['snr']]} ({line['n_real']:,} real, {line['n_bogus']:,} bogus)",
            "model": model_name(line["model"]),
            "MDR": format_number(line["mdr"], ".2%"),
            "FPR": format_number(line["fpr"], ".2%"),
            "categories 1 and 6": f"{line['contradicted']:,}",
        }
        for line in numbers.to_dict("records")
    ]
    caption = (
        f"Errors by signal-to-noise ratio (S/N) of the detection, on {title} that every model judges: reals "
        "missed (MDR) and bogus passed (FPR) at a score of one half, and stamps whose label the model "
        "contradicts with confidence. At a high S/N a label is easily seen, and an error is hardly one of "
        "noise."
    )
    return Table(numbers, pd.DataFrame(rows), caption, f"tab:des-high-snr:{label}")


def _errors(rows: pd.DataFrame, *, bounds: Sequence[float]) -> dict[str, float]:
    real, called = rows["label"] == REAL, rows["score"] > THRESHOLD
    category = six_categories(rows["label"], rows["score"], bounds=bounds)
    return {
        "n_real": int(real.sum()),
        "n_bogus": int((~real).sum()),
        "mdr": (~called[real]).mean(),
        "fpr": called[~real].mean(),
        "contradicted": int(np.isin(category, CONTRADICTED).sum()),
    }
