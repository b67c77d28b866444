import json
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from stampshift.core.errors import ContractError
from stampshift.metrics.metrics import (
    accuracy,
    confusion,
    detection_curve,
    evaluate,
    evaluate_predictions,
    false_positive_rate,
    fpr_at_mdr,
    mdr_at_fpr,
    mean_cross_entropy,
    missed_detection_rate,
)

LABELS = [1, 1, 1, 1, 0, 0, 0, 0, 0]
SCORES = [0.9, 0.8, 0.51, 0.2, 0.1, 0.5, 0.6, 0.0, 0.3]


@st.composite
def labels_and_scores(draw):
    labels = draw(
        st.lists(st.sampled_from([0, 1]), min_size=2, max_size=60).filter(lambda x: 0 < sum(x) < len(x))
    )
    # few distinct scores, so that ties and the threshold itself are drawn often
    scores = draw(st.lists(st.sampled_from(np.linspace(0, 1, 9)), min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(scores)


def test_evaluate_matches_a_hand_computed_case():
    assert evaluate(LABELS, SCORES) == {
        "balanced_accuracy": (3 / 4 + 4 / 5) / 2,
        "recall_real": 3 / 4,
        "recall_bogus": 4 / 5,
        "n_real": 4,
        "n_bogus": 5,
        "confusion": {"tp": 3, "fn": 1, "fp": 1, "tn": 4},
    }


def test_rates_match_a_hand_computed_case():
    counts = confusion(LABELS, SCORES)
    assert accuracy(counts) == 7 / 9
    assert missed_detection_rate(counts) == 1 / 4
    assert false_positive_rate(counts) == 1 / 5


def test_a_score_at_the_threshold_is_bogus_as_with_argmax():
    assert confusion([1, 0], [0.5, 0.5]) == {"tp": 0, "fn": 1, "fp": 0, "tn": 1}


def test_threshold_is_an_argument():
    assert evaluate(LABELS, SCORES, threshold=0.7)["confusion"] == {"tp": 2, "fn": 2, "fp": 0, "tn": 5}


def test_a_constant_score_is_worth_a_coin():
    assert evaluate(LABELS, np.ones(9))["balanced_accuracy"] == 0.5


@given(labels_and_scores())
def test_evaluate_agrees_with_scikit_learn(drawn):
    labels, scores = drawn
    called = (scores > 0.5).astype(int)
    result = evaluate(labels, scores)
    assert result["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, called))
    assert result["recall_real"] == pytest.approx(reference.recall_score(labels, called))
    assert result["recall_bogus"] == pytest.approx(reference.recall_score(labels, called, pos_label=0))
    counts = result["confusion"]
    expected = reference.confusion_matrix(labels, called, labels=[0, 1])
    assert [[counts["tn"], counts["fp"]], [counts["fn"], counts["tp"]]] == expected.tolist()
    assert accuracy(counts) == pytest.approx(reference.accuracy_score(labels, called))


@given(labels_and_scores())
def test_every_point_of_a_detection_curve_is_what_its_threshold_gives(drawn):
    labels, scores = drawn
    curve = detection_curve(labels, scores)
    assert curve["threshold"].tolist() == [np.inf, *sorted(set(scores), reverse=True)]
    for threshold, mdr, fpr in curve.itertuples(index=False):
        called_real = scores >= threshold
        assert mdr == pytest.approx(1 - called_real[labels == 1].mean())
        assert fpr == pytest.approx(called_real[labels == 0].mean())


def test_detection_curve_of_a_hand_computed_case():
    curve = detection_curve([1, 1, 0, 0, 0], [0.9, 0.2, 0.1, 0.6, 0.6])
    assert curve["threshold"].tolist() == [np.inf, 0.9, 0.6, 0.2, 0.1]
    assert curve["mdr"].tolist() == [1, 0.5, 0.5, 0, 0]
    assert curve["fpr"].tolist() == pytest.approx([0, 0, 2 / 3, 2 / 3, 1])


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], []])
def test_an_empty_class_is_refused_never_scored(labels):
    with pytest.raises(ContractError, match="at least one real and one bogus stamp, found"):
        evaluate(labels, np.full(len(labels), 0.7))


def test_the_refusal_of_an_empty_class_counts_both():
    with pytest.raises(ContractError, match="found 2 real and 0 bogus"):
        evaluate([1, 1], [0.1, 0.9])


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 0, 1], [0.5, 0.5], r"found \(3,\) labels and \(2,\) scores"),
        ([[1, 0]], [[0.5, 0.5]], "in one dimension"),
        ([1, 0, 2], [0.5, 0.5, 0.5], r"labels 1 \(real\) and 0 \(bogus\), found \[2\]"),
        ([1, 0], [0.5, np.nan], "between 0 and 1, found nan"),
        ([1, 0], [0.5, 1.5], "between 0 and 1, found 1.5"),
    ],
)
def test_bad_input_is_refused(labels, scores, message):
    with pytest.raises(ContractError, match=message):
        evaluate(labels, scores)


@pytest.fixture
def predictions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "survey": ["ZTF"] * 4 + ["DES"] * 2,
            "row": [5, 6, 7, 8, 1, 2],
            "label": np.array([1, 1, 0, 0, 0, 1], np.uint8),
            "score": np.array([0.9, 0.1, 0.2, 0.3, 0.9, 0.2], np.float32),
        }
    )


@pytest.mark.parametrize("dtype", ["str", "category"])
def test_evaluation_holds_every_survey_in_order_and_is_json(predictions, dtype):
    predictions["survey"] = predictions["survey"].astype(dtype)
    evaluation = evaluate_predictions(predictions)
    assert list(evaluation) == ["ZTF", "DES"]
    assert evaluation["ZTF"]["balanced_accuracy"] == 0.75
    assert evaluation["DES"]["balanced_accuracy"] == 0.0  # every stamp wrong: a true zero
    assert json.loads(json.dumps(evaluation)) == evaluation


def test_evaluation_names_the_survey_that_it_refuses(predictions):
    with pytest.raises(ContractError, match="DES: expected at least one real and one bogus"):
        evaluate_predictions(predictions.iloc[:5])


def test_evaluation_refuses_a_table_without_its_columns(predictions):
    with pytest.raises(
        ContractError, match=r"columns survey, label and score .* found the columns survey, row"
    ):
        evaluate_predictions(predictions[["survey", "row"]])
    with pytest.raises(ContractError, match="0 lines"):
        evaluate_predictions(predictions.iloc[:0])


@pytest.mark.parametrize(
    ("file", "key", "published"),
    [
        ("deephits_arch7_test_predictions.pkl", "ConvNet_pbbs", 0.99469),
        ("rf_test_pred_all.pkl", "RF_pbbs", 0.98977),  # 32 ties at one half: they count as bogus
    ],
)
def test_published_predictions_give_the_published_accuracy(real_data, file, key, published):
    content = pickle.loads((real_data / "hits_published_predictions" / file).read_bytes(), encoding="latin1")
    result = evaluate(content["labels"], content[key][:, 1])
    assert accuracy(result["confusion"]) == pytest.approx(published, abs=1e-9)
    assert (result["n_real"], result["n_bogus"]) == (50_000, 50_000)
    assert result["balanced_accuracy"] == pytest.approx(published, abs=1e-9)  # the classes are equal


def test_the_cross_entropy_is_the_mean_surprise_of_the_labels():
    assert mean_cross_entropy([1, 0], [0.25, 0.5]) == pytest.approx((np.log(4) + np.log(2)) / 2)
    # a score of 0 or 1 counts as 1e-7 away from it
    assert mean_cross_entropy([1, 0], [0.0, 0.0]) == pytest.approx((7 * np.log(10) + 1e-7) / 2)
    assert mean_cross_entropy(LABELS, np.clip(SCORES, 0.01, 1)) == pytest.approx(
        reference.log_loss(LABELS, np.clip(SCORES, 0.01, 1))
    )


# by falling score: R R B R B B, so MDR falls 1, 2/3, 1/3, 1/3, 0 while FPR rises 0, 0, 0, 1/3, 1/3, 2/3, 1
RANKED_LABELS = [1, 1, 0, 1, 0, 0]
RANKED_SCORES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]


def test_missed_detections_at_a_false_positive_rate_are_those_of_a_real_threshold():
    curve = detection_curve(RANKED_LABELS, RANKED_SCORES)
    rates = [0, 0.2, 1 / 3, 0.5, 1]
    assert mdr_at_fpr(curve, rates) == pytest.approx([1 / 3, 1 / 3, 0, 0, 0], abs=1e-12)


def test_false_positives_at_a_missed_detection_rate_are_those_of_a_real_threshold():
    curve = detection_curve(RANKED_LABELS, RANKED_SCORES)
    assert fpr_at_mdr(curve, [0, 0.2, 1 / 3, 0.9]) == pytest.approx([1 / 3, 1 / 3, 0, 0], abs=1e-12)


def test_one_missed_in_a_hundred_is_a_rate_of_one_percent():
    # 1 - 99/100 is greater than 0.01 in floating point
    labels, scores = [1] * 100 + [0], [0.9] * 99 + [0.1, 0.5]
    assert fpr_at_mdr(detection_curve(labels, scores), [0.01]) == [0]
