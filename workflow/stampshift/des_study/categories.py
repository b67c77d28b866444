"""Six categories of stamps by label and by the probability of bogus (Ayyar et al. 2022, Tables 2, 3 and 5).

The probability of the paper is p = P(artifact), here P(bogus) = 1 - score. In categories 1 and 6 a model
contradicts the label with confidence: stamps that may be mislabelled.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from stampshift.des_study.models import common_stamps, model_name
from stampshift.des_study.performance import PARTS
from stampshift.stamps.file import REAL
from stampshift.tables.writing import DASH, Table

CATEGORIES = (1, 2, 3, 4, 5, 6)
CONTRADICTED = (1, 6)  # labelled bogus and surely real, labelled real and surely bogus
# a score of 0.9 in single precision leaves 0.10000002, and a forest's shares of trees do fall on bounds
DECIMALS = 6


def six_categories(labels: ArrayLike, scores: ArrayLike, *, bounds: Sequence[float]) -> NDArray[np.int64]:
    """Category of every stamp, 1 to 6.

    Parameters
    ----------
    labels
        (N,), 1 real and 0 bogus.
    scores
        (N,), P(real).
    bounds
        Low, middle and high bound of p = 1 - score, compared at six decimals. Bogus: 1 where p <= low, 2
        between, 3 where p >= middle. Real: 4 where p <= middle, 5 between, 6 where p >= high.

    Returns
    -------
    numpy.ndarray
        int64 (N,).
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
    """Count the stamps of every category, by model.

    Parameters
    ----------
    predictions
        Of `test_predictions`.
    bounds
        As for `six_categories`.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``category``, ``stamps`` and ``percent``, of all stamps that the model judges: six
        lines per model.
    """
    category = six_categories(predictions["label"], predictions["score"], bounds=bounds)
    parts = [
        _shares(of_model, among=CATEGORIES).assign(model=str(model))
        for model, of_model in pd.Series(category).groupby(predictions["method"].array, observed=True)
    ]
    return pd.concat(parts, ignore_index=True)[["model", "category", "stamps", "percent"]]


def category_table(shares: pd.DataFrame, *, bounds: Sequence[float], part: str) -> Table:
    """Print the numbers of `category_shares`, a line per model (Table 2 of the paper).

    Parameters
    ----------
    shares, bounds
        Of and as for `category_shares`.
    part
        Key of `performance.PARTS`.
    """
    rows = [
        {"model": model_name(str(model)), "stamps": f"{lines['stamps'].sum():,}"}
        | percent_cells(lines, bounds=bounds)
        for model, lines in shares.groupby("model", sort=False)
    ]
    caption = (
        f"Test stamps of the {PARTS[part]} by their label and p = P(bogus), in percent of all that a model "
        "judges. Categories 1 and 6 contradict their label."
    )
    return Table(shares, pd.DataFrame(rows), caption, f"tab:des-categories:{part}")


def percent_cells(lines: pd.DataFrame, *, bounds: Sequence[float]) -> dict[str, str]:
    """Shares of the six categories in print, from six lines of `category_shares`."""
    percent = lines.set_index("category")["percent"]
    return {heading: f"{percent[number]:.3f}" for number, heading in category_headings(bounds).items()}


def category_agreement(predictions: pd.DataFrame, *, reference: str, bounds: Sequence[float]) -> pd.DataFrame:
    """Where other models put the stamps that one model puts into categories 1 and 6.

    Parameters
    ----------
    predictions
        Of `test_predictions`; only stamps that every model judges are counted.
    reference
        The one model.
    bounds
        As for `six_categories`.

    Returns
    -------
    pandas.DataFrame
        Columns ``reference_category`` (1 or 6), ``model``, ``category`` (of the same label), ``stamps`` and
        ``percent``, of the stamps in the reference's category; NaN where there is none.
    """
    common = common_stamps(predictions)
    common = common.assign(category=six_categories(common["label"], common["score"], bounds=bounds))
    by_model = common.pivot(index="row", columns="method", values="category")
    parts = []
    for wanted in CONTRADICTED:
        chosen = by_model[by_model[reference] == wanted]
        among = CATEGORIES[:3] if wanted in CATEGORIES[:3] else CATEGORIES[3:]
        for model in by_model.columns.drop(reference):
            shares = _shares(chosen[model], among=among)
            parts.append(shares.assign(reference_category=wanted, model=str(model)))
    columns = ["reference_category", "model", "category", "stamps", "percent"]
    return pd.concat(parts, ignore_index=True)[columns]


def agreement_table(agreement: pd.DataFrame, *, reference: str, bounds: Sequence[float], part: str) -> Table:
    """Print the numbers of `category_agreement`, a line per category and model (Table 3 of the paper).

    Parameters
    ----------
    agreement, reference, bounds
        Of and as for `category_agreement`.
    part
        As for `category_table`.
    """
    headings = category_headings(bounds)
    rows = []
    for wanted in CONTRADICTED:
        of_wanted = agreement[agreement["reference_category"] == wanted]
        for model, lines in of_wanted.groupby("model", sort=False):
            texts = [DASH if np.isnan(value) else f"{value:.1f}" for value in lines["percent"]]
            row = {
                f"{model_name(reference)} puts into": headings[wanted],
                "stamps": f"{lines['stamps'].sum():,}",
                "model": model_name(str(model)),
            }
            outward = texts if wanted == CATEGORIES[0] else texts[::-1]
            places = ("same category", "next category", "as its label")
            rows.append(row | dict(zip(places, outward, strict=True)))
    caption = (
        f"Where the other models put the stamps that {model_name(reference)} puts into categories 1 and 6, "
        "in percent of these: into the same category, into the one beside it (2 or 5), or on the side of "
        f"the label (3 or 4). Test stamps of the {PARTS[part]} that every model judges."
    )
    return Table(
        agreement,
        pd.DataFrame(rows),
        caption,
        f"tab:des-agreement:{part}",
    )


def _shares(categories: pd.Series, *, among: Sequence[int]) -> pd.DataFrame:
    """Number and percentage of stamps in each of some categories."""
    counts = categories.value_counts().reindex(list(among), fill_value=0)
    percent = 100 * counts / len(categories) if len(categories) else np.nan
    return pd.DataFrame({"category": list(among), "stamps": counts, "percent": percent})
