import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stampshift.tables.significance import paired_comparisons, published_comparisons
from stampshift.tables.writing import write_csv

METHODS = ["finetune", "mme"]
MEANS = [
    # method, source, target, shots, evaluated_on, mean, std
    ("baseline", "A", "A", 0, "A", 0.97, 0.01),
    ("baseline", "A", "B", 0, "B", 0.70, 0.05),
    ("mme", "A", "B", 1, "B", 0.72, 0.05),
    ("mme", "A", "B", 1, "A", 0.96, 0.01),
    ("mme", "A", "B", 5, "B", 0.90, 0.02),
    ("mme", "A", "B", 5, "A", 0.97, 0.01),
]


def one(compared, question, **factors):
    """The one comparison of a question with these factors."""
    chosen = compared[compared["question"] == question]
    for name, value in factors.items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


@pytest.fixture
def published():
    columns = ["method", "source", "target", "shots", "evaluated_on", "mean", "std"]
    return pd.DataFrame(MEANS, columns=columns)


def test_every_question_is_asked_of_what_was_run(runs):
    compared = paired_comparisons(runs, pairs=["A-to-B"], methods=METHODS)
    assert compared.groupby("question").size().to_dict() == {
        "own": 1,
        "shift": 1,
        "native": 1,
        "gain": 2 * 2,
        "loss": 2 * 2,
        "methods": 2 * 2,
        "spread": 2 * 2,
    }
    both = paired_comparisons(runs, pairs=["A-to-B", "B-to-A"], methods=METHODS)
    questions = both.groupby("question").size()
    assert questions["own"] == 2
    assert questions["direction"] == 1


def test_differences_are_paired_by_split(runs):
    compared = paired_comparisons(runs, pairs=["A-to-B"], methods=METHODS)
    # fine-tuning 0.70, 0.75, 0.80 less the baseline's 0.60, 0.70, 0.80
    row = one(compared, "gain", method="finetune", shots=1)
    assert row["difference"] == pytest.approx(0.05)
    assert row["effect_size"] == pytest.approx(1.0)  # 0.10, 0.05, 0.00: the standard deviation is 0.05
    assert row["p"] == pytest.approx(stats.ttest_1samp([0.10, 0.05, 0.0], 0).pvalue)
    assert row["splits"] == 3
    assert 0 <= row["low"] < row["difference"] < row["high"] <= 0.10


def test_the_order_of_the_splits_is_of_no_matter(runs):
    shuffled = runs.sample(frac=1, random_state=1)
    pairs = {"pairs": ["A-to-B"], "methods": METHODS}
    ordered, mixed = paired_comparisons(runs, **pairs), paired_comparisons(shuffled, **pairs)
    np.testing.assert_allclose(ordered["p"], mixed["p"])


def test_the_second_method_is_compared_with_the_first(runs):
    compared = paired_comparisons(runs, pairs=["A-to-B"], methods=METHODS)
    row = one(compared, "methods", evaluated_on="B", shots=10)
    assert (row["method"], row["against"]) == ("mme", "finetune")
    assert row["difference"] == pytest.approx(0.80 - 0.85)


def test_shift_is_the_target_less_the_source(runs):
    row = one(paired_comparisons(runs, pairs=["A-to-B"], methods=METHODS), "shift")
    assert row["difference"] == pytest.approx(0.70 - 0.97)


def test_the_baseline_is_compared_with_a_fixed_accuracy_and_with_the_targets_own(runs):
    compared = paired_comparisons(runs, pairs=["A-to-B", "B-to-A"], methods=METHODS)
    own = one(compared, "own", source="A")
    assert (own["evaluated_on"], own["against"]) == ("A", "0.94")
    assert own["difference"] == pytest.approx(0.97 - 0.94)
    assert own["p"] == pytest.approx(stats.ttest_1samp([0.96, 0.97, 0.98], 0.94).pvalue)
    assert one(compared, "native", source="A")["difference"] == pytest.approx(0.70 - 0.90)
    # A's baseline on B less B's baseline on A
    assert one(compared, "direction")["difference"] == pytest.approx(0.70 - 0.50)


def test_spreads_are_compared_by_the_test_of_pitman_and_morgan(runs):
    row = one(
        paired_comparisons(runs, pairs=["A-to-B"], methods=METHODS), "spread", evaluated_on="B", shots=1
    )
    assert row["difference"] == pytest.approx(0.03 - 0.05)
    tuned, mme = np.array([0.70, 0.76, 0.80]), np.array([0.72, 0.75, 0.78])
    moved = runs.copy()
    second = (moved["method"] == "finetune") & (moved["shots"] == 1) & (moved["evaluated_on"] == "B")
    moved.loc[second, "balanced_accuracy"] = tuned
    row = one(
        paired_comparisons(moved, pairs=["A-to-B"], methods=METHODS), "spread", evaluated_on="B", shots=1
    )
    assert row["p"] == pytest.approx(stats.pearsonr(mme + tuned, mme - tuned).pvalue)


def test_published_spreads_are_compared_by_an_f_test(published):
    first = pd.DataFrame([("finetune", "A", "B", 5, "B", 0.85, 0.06)], columns=published.columns)
    both = pd.concat([published, first])
    compared = published_comparisons(both, pairs=["A-to-B"], methods=METHODS)
    row = one(compared, "spread", shots=5)
    assert row["difference"] == pytest.approx(0.02 - 0.06)
    assert row["p"] == pytest.approx(2 * stats.f.sf(9, 9, 9))  # variances as 9 to 1, of ten splits each


def test_a_constant_difference_and_a_single_split_have_no_p_value(runs):
    constant = runs.copy()
    constant.loc[constant["method"] == "mme", "balanced_accuracy"] = 0.5
    constant.loc[constant["method"] == "finetune", "balanced_accuracy"] = 0.75
    compared = paired_comparisons(constant, pairs=["A-to-B"], methods=METHODS)
    row = one(compared, "methods", evaluated_on="B", shots=10)
    assert row["difference"] == pytest.approx(-0.25)
    assert row[["low", "high", "p", "p_corrected"]].isna().all()
    alone = paired_comparisons(runs[runs["seed"] == 0], pairs=["A-to-B"], methods=METHODS)
    assert alone["difference"].notna().all()
    assert alone[["low", "high", "effect_size", "p", "p_corrected"]].isna().all(axis=None)


def test_p_values_are_corrected_within_their_question(runs):
    compared = paired_comparisons(runs, pairs=["A-to-B"], methods=METHODS)
    for _, part in compared.groupby("question"):
        tested = part.dropna(subset="p")
        expected = stats.false_discovery_control(tested["p"].to_numpy())
        np.testing.assert_allclose(tested["p_corrected"], expected)


def test_published_means_are_compared_by_welchs_test(published):
    compared = published_comparisons(published, pairs=["A-to-B"], methods=["mme"])
    row = one(compared, "gain", shots=5)
    # both means are of ten splits: Welch's t and degrees of freedom by hand
    degrees = (0.0004 + 0.0025) ** 2 / ((0.0004**2 + 0.0025**2) / 9)
    expected = 2 * stats.t.sf(0.20 / np.sqrt(0.0029 / 10), degrees)
    assert row["p"] == pytest.approx(expected)
    assert row["difference"] == pytest.approx(0.20)
    assert np.isnan(row["effect_size"])


def test_the_same_comparisons_give_the_same_bytes(runs, tmp_path):
    for name in ("one.csv", "two.csv"):
        compared = paired_comparisons(runs, pairs=["A-to-B"], methods=METHODS)
        write_csv(compared, tmp_path / name)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
