"""Six categories of stamps by label and by the probability of bogus (Ayyar et al. 2022, Tables 2, 3 and 5).

The probability of the paper is p = P(artifact), here P(bogus) = 1 - score. In categories 1 and 6 a model
contradicts the label with confidence: stamps that may be mislabelled.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stampshift.des_study.models import common_stamps
from stampshift.des_study.performance import COMMON, OWN, PARTS
from stampshift.stamps.file import REAL
from stampshift.tables.wording import model_name
from stampshift.tables.writing import Table, format_number

CATEGORIES = (1, 2, 3, 4, 5, 6)
CONTRADICTED = (1, 6)  # labelled bogus and surely real, labelled real and surely bogus
# a score of 0.9 in single precision leaves 0.10000002, and a forest's shares of trees do fall on bounds
DECIMALS = 6


def six_categories(labels: ArrayLike, scores: ArrayLike, *, bounds: Sequence[float]) -> NDArray[np.int64]:
    """Category of every stamp (N,), from labels (N,), 1 real and 0 bogus, and scores (N,), P(real).

    `bounds` are the low, middle and high bound of p = 1 - score, which is compared at six decimals;
    `category_headings` gives the bounds of each.
    """
    low, middle, high = bounds
    p = np.round(1 - np.asarray(scores, dtype=np.float64), DECIMALS)
    bogus = np.select([p <= low, p < middle], [1, 2], default=3)
    real = np.select([p <= middle, p < high], [4, 5], default=6)
    return np.where(np.asarray(labels) == REAL, real, bogus).astype(np.int64)


def category_headings(bounds: Sequence[float]) -> dict[int, str]:
    """What each category is, in print."""
    low, middle, high = (f"{bound:g}" for bound in bounds)
    return {
        1: f"1: bogus, p ≤ {low}",
        2: f"2: bogus, {low} < p < {middle}",
        3: f"3: bogus, p ≥ {middle}",
        4: f"4: real, p ≤ {middle}",
        5: f"5: real, {middle} < p < {high}",
        6: f"6: real, p ≥ {high}",
    }


def category_shares(predictions: pd.DataFrame, *, bounds: Sequence[float]) -> pd.DataFrame:
    """Six lines per model: ``model``, ``category``, ``stamps`` and ``percent`` of all that it judges."""
    category = six_categories(predictions["label"], predictions["score"], bounds=bounds)
    parts = [
        pd.DataFrame({"model": str(model)} | _shares(of_model, among=CATEGORIES))
        for model, of_model in pd.Series(category).groupby(predictions["method"].array, observed=True)
    ]
    return pd.concat(parts, ignore_index=True)


def sampled_shares(predictions: pd.DataFrame, *, bounds: Sequence[float]) -> pd.DataFrame:
    """`category_shares` of the ``sample`` that a model judges (`OWN`), and of what all judge (`COMMON`)."""
    samples = ((OWN, predictions), (COMMON, common_stamps(predictions)))
    parts = [category_shares(rows, bounds=bounds).assign(sample=name) for name, rows in samples]
    return pd.concat(parts, ignore_index=True)


def category_table(shares: pd.DataFrame, *, bounds: Sequence[float], title: str, label: str) -> Table:
    """Print the numbers of `sampled_shares`, a line per model (Table 2 of the paper).

    Where models judge different stamps, their shares of the common ones follow.
    """
    own, common = (shares[shares["sample"] == sample] for sample in (OWN, COMMON))
    shown = [("", own)]
    caption = f"{title} by their label and p = P(bogus), in percent of all that a model judges. "
    if own.groupby("model", sort=False)["stamps"].sum().nunique() > 1:
        shown.append((", common stamps", common))
        caption += "The lines of common stamps are of those that every model judges: compare models by them. "
    rows = [
        {"model": f"{model_name(str(model))}{which}", "stamps": f"{lines['stamps'].sum():,}"}
        | percent_cells(lines, bounds=bounds)
        for which, of_sample in shown
        for model, lines in of_sample.groupby("model", sort=False)
    ]
    caption += "Categories 1 and 6 contradict their label."
    return Table(shares, pd.DataFrame(rows), caption, f"tab:des-categories:{label}")


def percent_cells(lines: pd.DataFrame, *, bounds: Sequence[float]) -> dict[str, str]:
    """Shares of the six categories in print, from six lines of `category_shares`."""
    percent = lines.set_index("category")["percent"]
    return {heading: f"{percent[number]:.3f}" for number, heading in category_headings(bounds).items()}


def category_agreement(predictions: pd.DataFrame, *, reference: str, bounds: Sequence[float]) -> pd.DataFrame:
    """Where other models put the stamps, judged by all, that `reference` puts into categories 1 and 6.

    Columns ``reference_category`` (1 or 6), ``model``, ``category`` (of the same label), ``stamps`` and
    ``percent`` of the reference's category; NaN where it is empty.
    """
    common = common_stamps(predictions)
    common = common.assign(category=six_categories(common["label"], common["score"], bounds=bounds))
    by_model = common.pivot(index="row", columns="method", values="category")
    parts = []
    for wanted, among in zip(CONTRADICTED, (CATEGORIES[:3], CATEGORIES[3:]), strict=True):
        for model in by_model.columns.drop(reference):
            shares = _shares(by_model.loc[by_model[reference] == wanted, model], among=among)
            parts.append(pd.DataFrame({"reference_category": wanted, "model": str(model)} | shares))
    return pd.concat(parts, ignore_index=True)


def agreement_table(agreement: pd.DataFrame, *, reference: str, bounds: Sequence[float], part: str) -> Table:
    """Print the numbers of `category_agreement`, a line per category and model (Table 3 of the paper)."""
    headings = category_headings(bounds)
    rows = []
    for _, lines in agreement.groupby(["reference_category", "model"], sort=False):
        wanted, model = lines[["reference_category", "model"]].iloc[0]
        texts = [format_number(value, ".1f") for value in lines["percent"]]
        same, beside, as_label = texts if wanted == CATEGORIES[0] else texts[::-1]
        rows.append(
            {
                f"{model_name(reference)} puts into": headings[wanted],
                "stamps": f"{lines['stamps'].sum():,}",
                "model": model_name(model),
                "same category": same,
                "next category": beside,
                "as its label": as_label,
            }
        )
    caption = (
        f"Where the other models put the stamps that {model_name(reference)} puts into categories 1 and 6, "
        "in percent of these: into the same category, into the one beside it (2 or 5), or on the side of "
        f"the label (3 or 4). Test stamps of the {PARTS[part]} that every model judges."
    )
    return Table(agreement, pd.DataFrame(rows), caption, f"tab:des-agreement:{part}")


def _shares(categories: pd.Series, *, among: Sequence[int]) -> dict[str, Any]:
    """Columns with the number and the percentage of stamps in each of some categories."""
    counts = categories.value_counts().reindex(list(among), fill_value=0)
    percent = 100 * counts / len(categories) if len(categories) else np.nan
    return {"category": among, "stamps": counts, "percent": percent}


def category_tables(
    predictions: pd.DataFrame, *, reference: str, bounds: Sequence[float], part: str
) -> Iterator[Table]:
    """Tables of a part: shares of the categories and, of several models, their agreement with `reference`."""
    shares = sampled_shares(predictions, bounds=bounds)
    yield category_table(shares, bounds=bounds, title=f"Test stamps of the {PARTS[part]}", label=part)
    if predictions["method"].nunique() > 1:
        agreement = category_agreement(predictions, reference=reference, bounds=bounds)
        yield agreement_table(agreement, reference=reference, bounds=bounds, part=part)
