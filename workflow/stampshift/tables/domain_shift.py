"""How far apart source and target are in the features of an extractor, before and after adaptation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stampshift.config.experiment import Pair
from stampshift.core.columns import FINITE_OR_GAPS, TEXT, WHOLE
from stampshift.core.files import read_table
from stampshift.stamps.file import BOGUS, REAL
from stampshift.tables.wording import pair_title, trained_name
from stampshift.tables.writing import Table, format_number

Features = NDArray[np.float64]
FOLDS = 5
ITERATIONS = 1000  # enough for the classifier to converge on standardised features
FEATURE_PREFIX = "feature_"


def proxy_a_distance(source: Features, target: Features) -> float:
    """Proxy A-distance, 2 (1 - 2 error) of a linear classifier of the domain (Ben-David et al. 2010).

    The classifier is a logistic regression on standardised features; its error is the mean of both domains'
    (so that unequal numbers do not matter), cross-validated in `FOLDS` folds. From features (n, features) and
    (m, features): 0 for indistinguishable domains, 2 for domains that a plane separates. An error above one
    half is no more than chance and counts as one half.
    """
    features = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    accuracy = cross_val_score(classifier, features, domain, cv=folds, scoring="balanced_accuracy").mean()
    return float(max(0.0, 2 * (1 - 2 * (1 - accuracy))))


def squared_mmd(source: Features, target: Features) -> float:
    """Squared maximum mean discrepancy, the unbiased estimate of Gretton et al. (2012), eq. 3.

    The kernel is Gaussian, its width the median distance of two stamps, of either survey, that
    differ (their section 8). The estimate of equal distributions is 0 on average, and may be negative.
    Features are (n, features) and (m, features).
    """
    features = np.concatenate([source, target])
    distances = pdist(features)
    if not distances.any():
        return 0.0  # all features are the same: there is no width, and no discrepancy
    width = np.median(distances[distances > 0])
    kernel = rbf_kernel(features, gamma=1 / (2 * width**2))
    n, m = len(source), len(target)
    within_source = (kernel[:n, :n].sum() - n) / (n * (n - 1))
    within_target = (kernel[n:, n:].sum() - m) / (m * (m - 1))
    return float(within_source + within_target - 2 * kernel[:n, n:].mean())


def shift_numbers(features: pd.DataFrame, *, pair: str) -> pd.DataFrame:
    """Measure the distance of source and target under every model, for all stamps and by label.

    Features have the columns ``method``, ``shots``, ``survey``, ``label`` and those that start with
    ``feature_``; the result has ``source``, ``target``, ``method``, ``shots``, ``stamps_of`` (all, real,
    bogus), ``a_distance``, ``squared_mmd`` (NaN with fewer than `FOLDS` stamps of a survey) and ``stamps``
    (of each survey).
    """
    names = Pair.parse(pair)
    lines = []
    by_model: Any = features.groupby(["method", "shots"], sort=False)
    for (method, shots), of_model in by_model:
        for group, labels in {"all": [REAL, BOGUS], "real": [REAL], "bogus": [BOGUS]}.items():
            chosen = of_model[of_model["label"].isin(labels)]
            source, target = (
                feature_array(chosen[chosen["survey"] == survey]) for survey in (names.source, names.target)
            )
            stamps = min(len(source), len(target))
            lines.append(
                {"source": names.source, "target": names.target, "method": method, "shots": shots}
                | {"stamps_of": group, "stamps": stamps}
                | {"a_distance": proxy_a_distance(source, target) if stamps >= FOLDS else np.nan}
                | {"squared_mmd": squared_mmd(source, target) if stamps >= FOLDS else np.nan}
            )
    return pd.DataFrame(lines)


def read_shift(paths: Sequence[Path | str]) -> pd.DataFrame:
    """Read the numbers of several pairs, written as CSV, into one table."""
    names = dict.fromkeys(("source", "target", "method", "stamps_of"), str)
    distances = ("a_distance", "squared_mmd")
    options: dict[str, Any] = {
        "dtype": names,
        # names are never missing, and a survey may well be called "NA"
        "keep_default_na": False,
        "na_values": {name: [""] for name in distances},
        "kinds": dict.fromkeys(names, TEXT)
        | {"shots": WHOLE, "stamps": WHOLE}
        | dict.fromkeys(distances, FINITE_OR_GAPS),
    }
    return pd.concat([read_table(path, **options) for path in paths], ignore_index=True)


def shift_table(numbers: pd.DataFrame) -> Table:
    """Print the distances of `shift_numbers`, of one pair or more, a line per pair and model."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for line in numbers.to_dict("records"):
        pair = pair_title(Pair(line["source"], line["target"]))
        model = trained_name(line["method"], line["shots"])
        row = rows.setdefault((pair, model), {"source to target": pair, "features of": model})
        row[f"A-distance, {line['stamps_of']}"] = format_number(line["a_distance"], ".2f")
        row[f"MMD², {line['stamps_of']}"] = format_number(line["squared_mmd"], ".3f")
    caption = (
        "Distance of source and target in the extractor's features of test stamps of one split, as many "
        "real as bogus of either survey: proxy A-distance (Ben-David et al. 2010; 0 for surveys that a "
        f"linear classifier cannot tell apart in {FOLDS}-fold cross-validation, 2 for those that it tells "
        "without error) and squared maximum mean discrepancy (Gretton et al. 2012; unbiased, Gaussian kernel "
        "of the median distance), for all stamps and for the real and the bogus ones alone."
    )
    return Table(numbers, pd.DataFrame(list(rows.values())), caption, "tab:shift")


def embedding(features: pd.DataFrame) -> pd.DataFrame:
    """Features of every model in two dimensions: the first two principal components of both surveys together.

    A projection, unlike t-SNE, creates no clusters, needs no seed, and says how much it leaves out.
    Columns are ``method``, ``shots``, ``survey``, ``row``, ``label``, ``x``, ``y``, and ``x_share`` and
    ``y_share``, the shares of the features' variance.
    """
    parts = []
    for _, of_model in features.groupby(["method", "shots"], sort=False):
        components = PCA(n_components=2, svd_solver="full").fit(feature_array(of_model))
        x, y = components.transform(feature_array(of_model)).T
        x_share, y_share = components.explained_variance_ratio_
        head = of_model[["method", "shots", "survey", "row", "label"]]
        parts.append(head.assign(x=x, y=y, x_share=x_share, y_share=y_share))
    return pd.concat(parts, ignore_index=True)


def feature_array(features: pd.DataFrame) -> Features:
    """Values of the columns that start with ``feature_``, float64 (n, features)."""
    return features.filter(regex=f"^{FEATURE_PREFIX}").to_numpy(np.float64)
