"""Random forest on features of candidates (Goldstein et al. 2015, AJ 150, 82); P(real) is the trees' mean."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from stampshift.core.errors import ContractError
from stampshift.core.files import atomic_path
from stampshift.core.provenance import versions
from stampshift.metrics.metrics import evaluate_predictions
from stampshift.stamps.autoscan import COLUMNS, STAMP_FEATURES
from stampshift.stamps.file import LABELS, REAL, Stamps
from stampshift.stamps.identifiers import rows_of
from stampshift.stamps.splits import Splits
from stampshift.training.run_folder import write_run

log = logging.getLogger(__name__)

IMPORTANCES = "importances.csv"
FORESTS: dict[str, Sequence[str]] = {"forest": COLUMNS, "forest_of_stamps": STAMP_FEATURES}


class ForestRecord(NamedTuple):
    """The result of a forest: predictions of the test part without rows that lack a feature, and the rest."""

    predictions: pd.DataFrame  # survey, row, label, score (float64, P(real))
    metrics: dict[str, Any]  # content of metrics.json
    importances: pd.DataFrame  # feature, importance (mean decrease of impurity, sums to 1), falling

    def save(self, folder: Path) -> None:
        """Write the three files, each atomically, and their digests."""
        with atomic_path(folder / IMPORTANCES) as temporary:
            self.importances.to_csv(temporary, index=False)
        write_run(folder, predictions=self.predictions, metrics=self.metrics, others=[IMPORTANCES])


def train_forest(
    stamps: Stamps,
    splits: Splits,
    features: pd.DataFrame,
    *,
    name: str,
    settings: Mapping[str, Any],
    seed: int,
    threads: int,
) -> ForestRecord:
    """Grow a forest on the train part and score the test part; the validation part is not used.

    `features` has the column ``id`` and those of ``FORESTS[name]``, one line for every stamp, in any order;
    `settings` is the section `des_study.forest`. The number of threads does not change the result.
    """
    started, labels = time.perf_counter(), stamps.labels
    values = _values(features, stamps=stamps, columns=FORESTS[name])  # (N, columns)
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
    train, test = (part[usable[part]] for part in (splits.train, splits.test))
    dropped = {"train": len(splits.train) - len(train), "test": len(splits.test) - len(test)}
    _check_both_labels(labels[train], survey=stamps.survey, dropped=dropped["train"])
    forest = RandomForestClassifier(
        settings["trees"],
        criterion=settings["criterion"],
        max_features=settings["max_features"],
        min_samples_split=settings["min_samples_split"],
        random_state=seed,
        n_jobs=threads,
    ).fit(values[train], labels[train])
    # threads would add up the trees' votes in the order in which they come, and so change last digits
    forest.set_params(n_jobs=1)
    scores = forest.predict_proba(values[test])[:, REAL]  # classes are in order: bogus, real
    predictions = pd.DataFrame({"survey": stamps.survey, "row": test, "label": labels[test], "score": scores})
    importances = pd.DataFrame({"feature": FORESTS[name], "importance": forest.feature_importances_})
    importances = importances.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
    log.info("%s: grown on %d stamps; dropped for gaps: %s", name, len(train), dropped)
    metrics = {
        "method": name,
        "source": stamps.survey,
        "target": None,
        "seed": seed,
        "options": dict(settings),
        "features": list(FORESTS[name]),
        "trained_on": {key: int((labels[train] == code).sum()) for key, code in LABELS.items()},
        "dropped": dropped,
        "evaluation": evaluate_predictions(predictions),
        "device": "cpu",
        "versions": versions() | {"scikit-learn": sklearn.__version__},
        "seconds": round(time.perf_counter() - started, 3),
    }
    return ForestRecord(predictions, metrics, importances)


def _values(features: pd.DataFrame, *, stamps: Stamps, columns: Sequence[str]) -> NDArray[np.float32]:
    """Features of every stamp in the order of its file; float32, as trees compare them."""
    rows = rows_of(
        stamps.ids,
        among=features["id"],
        source=f"{stamps.survey}: the table of features",
        remedy="Use the table that belongs to the stamps; a forest cannot distinguish two features of the "
        "same name.",
    )
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and its stamp is dropped
        return features[list(columns)].to_numpy(np.float64)[rows].astype(np.float32)


def _check_both_labels(labels: NDArray[np.uint8], *, survey: str, dropped: int) -> None:
    counts = {name: int((labels == code).sum()) for name, code in LABELS.items()}
    if not all(counts.values()):
        raise ContractError(
            f"{survey}: a forest needs real and bogus stamps in the train part, found {counts['real']} real "
            f"and {counts['bogus']} bogus with all features, after dropping {dropped} with gaps. Give the "
            "survey more stamps."
        )
