import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.categories import find_candidates

BOUNDS = [0.1, 0.5, 0.9]


def scored(stamps, *scores, rows=None, dtype=np.float64):
    rows = range(len(scores)) if rows is None else rows
    return pd.DataFrame(
        {
            "survey": stamps.survey,
            "row": list(rows),
            "label": stamps.labels[[row % len(stamps) for row in rows]],
            "score": np.array(scores, dtype),
        }
    )


def test_categories_by_hand(survey):
    # bogus with P(artifact) 0.05, 0.1, 0.2 and 0.95; real with 0.97, 0.9, 0.85 and 0.1
    stamps = survey(0, 0, 0, 0, 1, 1, 1, 1)
    found = find_candidates(stamps, scored(stamps, 0.95, 0.9, 0.8, 0.05, 0.03, 0.1, 0.15, 0.9), bounds=BOUNDS)
    assert list(found) == ["row", "id", "label", "score", "category", "suspicion"]
    assert found["row"].tolist() == [4, 0, 1, 5]
    assert found["id"].tolist() == ["105", "101", "102", "106"]
    assert found["label"].tolist() == [1, 0, 0, 1]
    assert found["category"].tolist() == [6, 1, 1, 6]
    assert found["suspicion"].tolist() == pytest.approx([0.97, 0.95, 0.9, 0.9])
    assert found["score"].tolist() == [0.03, 0.95, 0.9, 0.1]


def test_ties_go_by_row(survey):
    stamps = survey(1, 0, 1, 0)
    # 0.875 has an exact complement
    predictions = scored(stamps, 0.0625, 0.9375, 0.0625, 0.9375).sample(frac=1, random_state=1)
    assert find_candidates(stamps, predictions, bounds=BOUNDS)["row"].tolist() == [0, 1, 2, 3]


def test_a_score_on_the_bound_counts_in_single_precision_too(survey):
    stamps = survey(0, 1)
    assert 1 - float(np.float32(0.9)) > 0.1  # what would leave it out
    found = find_candidates(stamps, scored(stamps, 0.9, 0.1, dtype=np.float32), bounds=BOUNDS)
    assert sorted(found["row"]) == [0, 1]
    assert found["score"].dtype == np.float64


def test_other_bounds_find_others(survey):
    stamps = survey(0, 1)
    predictions = scored(stamps, 0.7, 0.2)
    assert len(find_candidates(stamps, predictions, bounds=BOUNDS)) == 0
    assert len(find_candidates(stamps, predictions, bounds=[0.3, 0.5, 0.8])) == 2


def test_every_stamp_is_scored_once(survey):
    stamps = survey(0, 1, 0, 1)
    folds = [scored(stamps, 0.95, 0.5, rows=[0, 3]), scored(stamps, 0.5, 0.5, rows=[2, 1])]
    assert find_candidates(stamps, pd.concat(folds), bounds=BOUNDS)["id"].tolist() == ["101"]
    twice = r"one score for every stamp of DES, found 2 of candidate 101; 0 have none, 1 several\. Delete the"
    with pytest.raises(ContractError, match=twice):
        find_candidates(stamps, pd.concat([*folds, folds[0].iloc[:1]]), bounds=BOUNDS)
    with pytest.raises(ContractError, match=r"found 0 of candidate 102; 2 have none, 0 several"):
        find_candidates(stamps, folds[0], bounds=BOUNDS)


def test_predictions_of_other_stamps_are_refused(survey):
    stamps = survey(0, 1)
    with pytest.raises(ContractError, match=r"expected scores of DES's 2 stamps, found row 2 of DES"):
        find_candidates(stamps, scored(stamps, 0.5, 0.5, 0.5), bounds=BOUNDS)
    with pytest.raises(ContractError, match=r"expected scores of DES's 2 stamps, found row 0 of HiTS"):
        find_candidates(stamps, scored(stamps, 0.5, 0.5).assign(survey="HiTS"), bounds=BOUNDS)
    with pytest.raises(ContractError, match=r"labels stored with the scores are not those of DES's stamps"):
        find_candidates(stamps, scored(stamps, 0.5, 0.5).assign(label=[1, 1]), bounds=BOUNDS)
