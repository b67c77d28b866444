from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stampshift.tables.claims import CLAIMS, claims_table, judge_claims
from stampshift.tables.significance import paired_comparisons, published_comparisons

PUBLISHED = Path(__file__).parents[3] / "resources" / "published"
SURVEYS = ["HiTS", "DES", "ATLAS", "ZTF"]
PAIRS = [f"{a}-to-{b}" for a in SURVEYS for b in SURVEYS if a != b]
METHODS = ["finetune", "mme"]


@pytest.fixture(scope="module")
def published():
    return pd.read_csv(PUBLISHED / "published_balanced_accuracy.csv")


def drawn_runs(published, *, seeds, spread=0.005):
    """Runs whose means are the published ones, split for split with the same noise."""
    rows = [
        {**row, "seed": seed, "balanced_accuracy": row["mean"] + spread * noise}
        for row in published.to_dict("records")
        for seed, noise in enumerate(np.random.default_rng(0).standard_normal(seeds))
    ]
    return pd.DataFrame(rows).drop(columns=["mean", "std", "thesis_table"])


def test_the_published_means_support_the_papers_claims(published):
    compared = published_comparisons(published, pairs=PAIRS, methods=METHODS)
    verdicts = judge_claims(compared, pairs=PAIRS)["verdict"].tolist()
    # fine-tuning needs 20 shots from DES to HiTS: Table 26
    assert verdicts == ["holds", "holds", "holds mostly", "holds", "holds", "holds"]


def test_the_order_of_the_methods_changes_no_verdict(published):
    first, second = (
        judge_claims(published_comparisons(published, pairs=PAIRS, methods=methods), pairs=PAIRS)
        for methods in (METHODS, METHODS[::-1])
    )
    pd.testing.assert_frame_equal(first, second)


def test_reversed_differences_bear_none(published):
    compared = published_comparisons(published, pairs=PAIRS, methods=METHODS)
    compared["difference"] = -compared["difference"]
    verdicts = judge_claims(compared, pairs=PAIRS)["verdict"].tolist()
    assert verdicts == ["does not hold"] * len(CLAIMS)


def test_few_noisy_splits_may_still_show_it_over_all_pairs(published):
    compared = published_comparisons(published, pairs=PAIRS, methods=METHODS).assign(p_corrected=0.3)
    first = judge_claims(compared, pairs=PAIRS).iloc[0]
    assert first.verdict == "holds on average"
    assert "12 of 12 pairs, beyond chance in 0 (all pairs together: p = 0.00024)" in first.evidence
    few = judge_claims(compared, pairs=PAIRS[:3]).iloc[0]  # three pairs cannot reach p < 0.05
    assert few.verdict == "not shown"


def test_one_split_judges_nothing(published):
    compared = paired_comparisons(drawn_runs(published, seeds=1), pairs=PAIRS, methods=METHODS)
    verdicts = judge_claims(compared, pairs=PAIRS)
    assert set(verdicts["verdict"]) == {"cannot be judged"}
    assert "takes two" in verdicts["evidence"][0]


def test_claims_about_what_was_not_run_cannot_be_judged(published):
    compared = published_comparisons(published, pairs=["ATLAS-to-ZTF"], methods=["mme"])
    verdicts = judge_claims(compared, pairs=["ATLAS-to-ZTF"]).set_index("claim")["verdict"]
    for claim in list(CLAIMS)[1:3] + list(CLAIMS)[4:]:
        assert verdicts[claim] == "cannot be judged"


def test_simulated_surveys_are_not_compared_with_the_published(published):
    compared = published_comparisons(published, pairs=PAIRS, methods=METHODS)
    simulated = claims_table(compared, published=None, pairs=PAIRS)
    assert list(simulated.cells.columns) == ["claim", "verdict", "evidence"]
    real = claims_table(compared, published=compared, pairs=PAIRS)
    assert list(real.cells.columns)[3:] == ["published verdict", "published evidence"]
