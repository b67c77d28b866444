from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stampshift.tables.claims import CLAIMS, claims_table, judge_claims, published_claims_table
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


DIRECTION = "The shift between two surveys depends on its direction."
ONE_SHOT = "Fine-tuning beats the baseline on the target with as few as one labelled stamp per class."


def judged(published, *, pairs=PAIRS, methods=METHODS):
    """Verdicts and evidence on published means, by claim."""
    compared = published_comparisons(published, pairs=pairs, methods=methods)
    return judge_claims(compared, pairs=pairs).set_index("claim")


def test_the_published_means_support_the_papers_claims(published):
    assert judged(published)["verdict"].to_dict() == {
        "A classifier trained on one survey fails on another: domain shift everywhere.": "holds",
        "Within its own survey the baseline is above 0.94.": "holds mostly",  # ZTF, 0.945 +- 0.007
        "A classifier of another survey is worse than one trained on the target.": "holds",
        "The shift between DES and HiTS, of one camera, is the mildest.": "holds",
        DIRECTION: "holds mostly",  # all but ATLAS and DES, 0.697 and 0.703
        # worse than the baseline in 4 of 12 pairs, whatever the abstract says
        ONE_SHOT: "not shown",
        # fine-tuning needs 20 shots from DES to HiTS: Table 26
        "Fine-tuning beats the baseline on the target with few shots.": "holds mostly",
        "MME beats the baseline on the target with as few as one labelled stamp per class.": "holds mostly",
        "MME beats the baseline on the target with few shots.": "holds",
        "From ATLAS to ZTF, ZTF to HiTS and ZTF to ATLAS fine-tuning beats MME on the target.": "holds",
        "MME keeps the accuracy on the source better than fine-tuning.": "holds",
        # from HiTS to ATLAS 0.006 against 0.010
        "MME's accuracy on the source scatters less over splits than fine-tuning's.": "holds mostly",
        "Fine-tuning loses accuracy on the source.": "holds",
    }


def test_one_shot_is_judged_at_one_shot(published):
    evidence = judged(published).loc[ONE_SHOT, "evidence"]
    assert evidence.startswith("With 1 shot fine-tuning is better on the target in 8 of 12 pairs")
    later = published[published["shots"] != 1]
    assert judged(later).loc[ONE_SHOT, "verdict"] == "cannot be judged"
    # without any label is not with as few as one
    none = later.assign(shots=later["shots"].where(later["shots"] != 5, 0))
    assert judged(none).loc[ONE_SHOT, "verdict"] == "cannot be judged"


def test_the_drop_is_against_the_source_and_against_the_targets_own_model(published):
    evidence = judged(published)["evidence"]
    # DES to HiTS: 0.945 on HiTS, where DES has 0.955 on itself and HiTS 0.983
    assert "(0.010 to 0.465)" in evidence.iloc[0]
    assert "(0.038 to 0.443)" in evidence.iloc[2]


def test_directions_are_compared_once_for_two_surveys(published):
    assert "5 of 6 pairs of surveys" in judged(published).loc[DIRECTION, "evidence"]
    one_way = judged(published, pairs=PAIRS[:3]).loc[DIRECTION]
    assert one_way["verdict"] == "cannot be judged"


def test_fine_tuning_is_compared_with_mme_in_the_three_pairs_only(published):
    claim = "From ATLAS to ZTF, ZTF to HiTS and ZTF to ATLAS fine-tuning beats MME on the target."
    assert "3 of 3 pairs" in judged(published).loc[claim, "evidence"]
    assert judged(published, pairs=["HiTS-to-DES"]).loc[claim, "verdict"] == "cannot be judged"


def test_the_order_of_the_methods_changes_no_verdict(published):
    first, second = (
        judge_claims(published_comparisons(published, pairs=PAIRS, methods=methods), pairs=PAIRS)
        for methods in (METHODS, METHODS[::-1])
    )
    pd.testing.assert_frame_equal(first, second)


def test_reversed_differences_bear_none(published):
    compared = published_comparisons(published, pairs=PAIRS, methods=METHODS)
    compared["difference"] = -compared["difference"]
    verdicts = judge_claims(compared, pairs=PAIRS).set_index("claim")["verdict"]
    assert verdicts.pop(DIRECTION) == "holds mostly"  # it has no sign
    assert set(verdicts) == {"does not hold"}
    assert len(verdicts) == len(CLAIMS) - 1


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
    assert set(verdicts["verdict"]) == {"too short to judge"}
    assert "takes 3" in verdicts["evidence"][0]


def test_two_splits_judge_nothing_and_show_their_numbers(published):
    runs = drawn_runs(published, seeds=2)
    runs["balanced_accuracy"] += np.random.default_rng(1).normal(0, 0.002, len(runs))
    compared = paired_comparisons(runs, pairs=PAIRS, methods=METHODS)
    verdicts = judge_claims(compared, pairs=PAIRS)
    assert set(verdicts["verdict"]) == {"too short to judge"}
    assert "12 of 12 pairs" in verdicts["evidence"][0]


def test_claims_about_what_was_not_run_cannot_be_judged(published):
    compared = published_comparisons(published, pairs=["ATLAS-to-ZTF"], methods=["mme"])
    verdicts = judge_claims(compared, pairs=["ATLAS-to-ZTF"]).set_index("claim")["verdict"]
    decided = {claim for claim, verdict in verdicts.items() if verdict != "cannot be judged"}
    assert decided == {claim for claim in CLAIMS if claim.startswith(("A classifier", "Within", "MME beats"))}


def test_simulated_surveys_are_not_compared_with_the_published(published):
    compared = published_comparisons(published, pairs=PAIRS, methods=METHODS)
    simulated = claims_table(compared, published=None, pairs=PAIRS)
    assert list(simulated.cells.columns) == ["claim", "verdict", "evidence"]
    real = claims_table(compared, published=compared, pairs=PAIRS)
    assert list(real.cells.columns)[3:] == ["published verdict", "published evidence"]


def test_the_published_means_are_judged_alone_too(published):
    table = published_claims_table(published)
    ours, theirs = judged(published)["verdict"], table.cells.set_index("claim")["verdict"]
    assert theirs.to_dict() == ours.to_dict()
    assert "Welch's t-test" in table.caption


def test_the_page_of_results_has_the_verdicts_on_the_published_means(published):
    page = (PUBLISHED.parents[1] / "docs" / "results.md").read_text()
    for claim, verdict, evidence in published_claims_table(published).cells.itertuples(index=False):
        assert f"| {claim} | {verdict} | {evidence} |" in page
