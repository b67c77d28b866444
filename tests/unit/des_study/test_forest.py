import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from stampshift.core.digests import DIGESTS, read_digests
from stampshift.core.errors import ContractError
from stampshift.des_study.forest import FORESTS, train_forest
from stampshift.stamps.autoscan import COLUMNS, STAMP_FEATURES

SETTINGS = {"trees": 12, "criterion": "entropy", "max_features": 6, "min_samples_split": 3}


@pytest.fixture(scope="module")
def stamps(surveys):
    return surveys["A"]


@pytest.fixture(scope="module")
def parts(splits):
    return splits["A"]


@pytest.fixture(scope="module")
def features(stamps):
    """Noise, but for AMP, which is the label with an error, and SCALE, which repeats few values."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.normal(size=(len(stamps), len(COLUMNS))), columns=list(COLUMNS))
    table["AMP"] = stamps.labels + rng.normal(0, 0.4, len(stamps))
    table["SCALE"] = rng.integers(0, 3, len(stamps))
    return table.assign(id=stamps.ids)


@pytest.fixture
def grow(stamps, parts, features):
    def grow(**changes):
        options = {
            "name": "forest",
            "settings": SETTINGS,
            "seed": 0,
            "threads": 1,
            "features": features,
            "splits": parts,
        } | changes
        labelled = replace(stamps, labels=options.pop("labels", stamps.labels))
        return train_forest(labelled, options.pop("splits"), options.pop("features"), **options)

    return grow


def test_the_two_forests_see_38_and_18_features():
    assert FORESTS == {"forest": COLUMNS, "forest_of_stamps": STAMP_FEATURES}


@pytest.mark.parametrize("name", list(FORESTS))
def test_it_learns_from_the_feature_that_tells(name, grow, parts):
    predictions, metrics, importances = grow(name=name)
    assert predictions["row"].tolist() == parts.test.tolist()
    assert metrics["evaluation"]["A"]["balanced_accuracy"] > 0.8
    assert importances["feature"][0] == "AMP"
    assert sorted(importances["feature"]) == sorted(FORESTS[name]) == sorted(metrics["features"])
    assert importances["importance"].is_monotonic_decreasing
    assert importances["importance"].sum() == pytest.approx(1)
    assert predictions["score"].between(0, 1).all()


def test_it_is_the_forest_of_the_settings(grow, parts, stamps, features):
    """The same scores as scikit-learn called by hand, real being the class with score 1."""

    by_hand = RandomForestClassifier(
        12, criterion="entropy", max_features=6, min_samples_split=3, random_state=5
    )
    values = features[list(COLUMNS)].to_numpy(np.float32)
    by_hand.fit(values[parts.train], stamps.labels[parts.train])
    expected = by_hand.predict_proba(values[parts.test])[:, 1]
    np.testing.assert_array_equal(grow(seed=5).predictions["score"], expected)


def test_a_seed_gives_the_same_bytes_whatever_the_threads(grow, tmp_path):
    for name, changes in (("one", {}), ("four", {"threads": 4}), ("other", {"seed": 1})):
        grow(**changes).save(tmp_path / name)
    for file in ("predictions.parquet", "importances.csv"):
        contents = {name: (tmp_path / name / file).read_bytes() for name in ("one", "four", "other")}
        assert contents["one"] == contents["four"] != contents["other"]


def test_every_file_of_a_forest_is_in_its_list_of_digests(grow, tmp_path):
    grow().save(tmp_path / "forest")
    names = {path.name for path in (tmp_path / "forest").iterdir()}
    assert set(read_digests(tmp_path / "forest")) == names - {DIGESTS} != set()


def test_stamps_with_gaps_are_dropped_and_counted(grow, parts, features):
    holed = features.copy()
    holed.loc[parts.train[:7], "MAG_REF"] = np.nan
    holed.loc[parts.test[[0, 3]], "B_REF"] = [np.nan, np.inf]
    holed.loc[parts.test[5], "L1"] = 1e300  # no 32-bit number
    holed.loc[parts.validation, "AMP"] = np.nan
    record = grow(features=holed)
    assert record.metrics["dropped"] == {"train": 7, "test": 3}
    assert sum(record.metrics["trained_on"].values()) == len(parts.train) - 7
    kept = np.delete(parts.test, [0, 3, 5])
    assert record.predictions["row"].tolist() == kept.tolist()
    # the 18 of stamps have no gap but the overflow
    assert grow(features=holed, name="forest_of_stamps").metrics["dropped"] == {"train": 0, "test": 1}


def test_nothing_but_the_train_part_is_learnt_from(grow, parts, stamps, features):
    labels, spoilt = stamps.labels.copy(), features.copy()
    others = np.setdiff1d(np.arange(len(stamps)), parts.train)
    labels[others] = 1 - labels[others]
    spoilt.loc[parts.validation, list(COLUMNS)] = 0.0
    record, reference = grow(labels=labels, features=spoilt), grow()
    np.testing.assert_array_equal(record.predictions["score"], reference.predictions["score"])
    # and the labels given are those beside the scores
    assert record.predictions["label"].tolist() == (1 - reference.predictions["label"]).tolist()


def test_other_labels_of_the_train_part_change_the_model(grow, stamps):
    record, reference = grow(labels=(1 - stamps.labels).astype(np.uint8)), grow()
    assert np.corrcoef(record.predictions["score"], reference.predictions["score"])[0, 1] < -0.8


def test_the_order_of_the_table_does_not_matter(grow, features):
    shuffled = features.sample(frac=1, random_state=0)
    assert grow(features=shuffled).predictions.equals(grow().predictions)


def test_a_table_that_does_not_belong_to_the_stamps_is_refused(grow, features):
    with pytest.raises(ContractError, match=r"should hold candidate A-0 once, found 0 \(2 of 400"):
        grow(features=features.drop(index=[0, 9]))
    with pytest.raises(ContractError, match=r"A: the table of features .* candidate A-3 once, found 2"):
        grow(features=pd.concat([features, features.iloc[[3]]]))


def test_a_train_part_without_one_label_is_refused(grow, stamps):
    with pytest.raises(ContractError, match=r"found 320 real and 0 bogus .*after dropping 0 with gaps"):
        grow(labels=np.ones(len(stamps), np.uint8))


def test_the_metrics_say_what_was_done(grow, tmp_path):
    grow(seed=4).save(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["options"] == SETTINGS
    assert (metrics["method"], metrics["source"], metrics["target"], metrics["seed"]) == (
        "forest",
        "A",
        None,
        4,
    )
    assert set(metrics["versions"]) >= {"scikit-learn", "numpy", "stampshift"}
