import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.candidates import find_candidates

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


def of_one(stamps, predictions, bounds=BOUNDS):
    return find_candidates(stamps, {"network_1": predictions}, network="network_1", bounds=bounds)


def test_categories_by_hand(survey):
    # bogus with P(artifact) 0.05, 0.1, 0.2 and 0.95; real with 0.97, 0.9, 0.85 and 0.1
    stamps = survey(0, 0, 0, 0, 1, 1, 1, 1)
    found = of_one(stamps, scored(stamps, 0.95, 0.9, 0.8, 0.05, 0.03, 0.1, 0.15, 0.9))
    assert list(found) == ["row", "id", "label", "score", "category", "agreeing", "suspicion"]
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
    assert of_one(stamps, predictions)["row"].tolist() == [0, 1, 2, 3]


def test_a_score_on_the_bound_counts_in_single_precision_too(survey):
    stamps = survey(0, 1)
    assert 1 - float(np.float32(0.9)) > 0.1  # what would leave it out
    found = of_one(stamps, scored(stamps, 0.9, 0.1, dtype=np.float32))
    assert sorted(found["row"]) == [0, 1]
    assert found["score"].dtype == np.float64


def test_other_bounds_find_others(survey):
    stamps = survey(0, 1)
    predictions = scored(stamps, 0.7, 0.2)
    assert len(of_one(stamps, predictions)) == 0
    assert len(of_one(stamps, predictions, [0.3, 0.5, 0.8])) == 2


def test_every_stamp_is_scored_once(survey):
    stamps = survey(0, 1, 0, 1)
    folds = [scored(stamps, 0.95, 0.5, rows=[0, 3]), scored(stamps, 0.5, 0.5, rows=[2, 1])]
    assert of_one(stamps, pd.concat(folds))["id"].tolist() == ["101"]
    twice = r"one score for every stamp of DES, found 2 of candidate 101; 0 have none, 1 several\. Delete the"
    with pytest.raises(ContractError, match=twice):
        of_one(stamps, pd.concat([*folds, folds[0].iloc[:1]]))
    with pytest.raises(ContractError, match=r"found 0 of candidate 102; 2 have none, 0 several"):
        of_one(stamps, folds[0])


def test_predictions_of_other_stamps_are_refused(survey):
    stamps = survey(0, 1)
    with pytest.raises(ContractError, match=r"expected scores of DES's 2 stamps, found row 2 of DES"):
        of_one(stamps, scored(stamps, 0.5, 0.5, 0.5))
    with pytest.raises(ContractError, match=r"expected scores of DES's 2 stamps, found row 0 of HiTS"):
        of_one(stamps, scored(stamps, 0.5, 0.5).assign(survey="HiTS"))
    with pytest.raises(ContractError, match=r"labels stored with the scores are not those of DES's stamps"):
        of_one(stamps, scored(stamps, 0.5, 0.5).assign(label=[1, 1]))


def test_agreement_goes_before_suspicion_and_one_network_says_which_are_candidates(survey):
    stamps = survey(0, 0, 0, 1, 1)
    predictions = {
        "network_1": scored(stamps, 0.99, 0.91, 0.4, 0.05, 0.09),
        "network_2": scored(stamps, 0.80, 0.92, 0.99, 0.02, 0.3),
        "network_4": scored(stamps, 0.89, 0.93, 0.99, 0.04, 0.05),
    }
    found = find_candidates(stamps, predictions, network="network_1", bounds=BOUNDS)
    # row 2 convinces two networks, but not the one that names the candidates
    assert found["row"].tolist() == [3, 1, 4, 0]
    assert found["agreeing"].tolist() == [3, 3, 2, 1]
    assert found["score"].tolist() == [0.05, 0.91, 0.09, 0.99]
    assert found["suspicion"].tolist() == pytest.approx([1 - 0.11 / 3, 2.76 / 3, 1 - 0.44 / 3, 2.68 / 3])
    # alone, the network would have begun with row 0
    assert of_one(stamps, predictions["network_1"])["row"].tolist() == [0, 3, 1, 4]


def test_every_network_must_have_scored_every_stamp(survey):
    stamps = survey(0, 1)
    predictions = {"network_1": scored(stamps, 0.9, 0.5), "network_2": scored(stamps, 0.9, rows=[0])}
    with pytest.raises(ContractError, match="found 0 of candidate 102"):
        find_candidates(stamps, predictions, network="network_1", bounds=BOUNDS)
