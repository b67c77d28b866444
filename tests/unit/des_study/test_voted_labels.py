from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.voted_labels import agreement_numbers, cast_votes, voted_labels
from stampshift.review.votes import Rule, simulate_votes


def votes(**by_candidate):
    """Votes such as ``_101="rrb"``: two for real, one for bogus."""
    words = {"r": "real", "b": "bogus", "s": "skip"}
    rows = [
        (name[1:], f"rater-{number}", words[letter], f"2026-01-01T00:00:{number:02d}Z")
        for name, letters in by_candidate.items()
        for number, letter in enumerate(letters)
    ]
    return pd.DataFrame(rows, columns=["id", "rater", "vote", "time"])


CAST = votes(_104="rrr", _101="rrrb", _102="rrb", _103="bbs", _105="ss")


def test_a_majority_that_leads_by_the_margin_is_kept(survey):
    # the survey's own labels are all wrong here, and count for nothing
    table = voted_labels(survey(0, 0, 1, 0, 0, 0), CAST, rule=Rule(2, 1))
    expected = pd.DataFrame(
        {
            "row": [0, 2, 3],
            "id": ["101", "103", "104"],
            "label": np.array([1, 0, 1], np.uint8),
            "votes": [4, 2, 3],
            "real_votes": [3, 0, 3],
            "unanimous": [False, True, True],
        }
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    assert table["label"].dtype == np.uint8
    assert len(voted_labels(survey(*[0] * 6), CAST, rule=Rule(1, 1))) == 4


def test_without_both_labels_there_is_nothing_to_train_on(survey):
    with pytest.raises(ContractError, match="DES: expected candidates that are bogus by at least 3 votes, w"):
        voted_labels(survey(*[0] * 6), CAST, rule=Rule(3, 3))


def test_the_numbers_of_agreement(survey):
    numbers = agreement_numbers(survey(*[0] * 6), CAST, rule=Rule(2, 1))
    counts = {
        "candidates": 6,
        "judged": 4,
        "real": 2,
        "bogus": 1,
        "undecided": 1,
        "unanimous": 2,
    }
    assert {name: numbers[name] for name in counts} == counts
    assert {"cohen", "fleiss"} <= set(numbers)


def test_the_surveys_own_labels_do_not_count(survey):
    stamps = survey(*[0, 1] * 40)
    cast = simulate_votes(stamps, raters=4, votes_per_candidate=3, error_rate=0.2, seed=1)
    table = voted_labels(stamps, cast, rule=Rule(2, 1))
    # all three agree on about half of them: three votes lead by one or by three
    assert 30 < len(table) < 60
    assert table["unanimous"].all()
    hidden = replace(stamps, labels=np.zeros_like(stamps.labels))
    assert voted_labels(hidden, cast, rule=Rule(2, 1)).equals(table)


def test_votes_come_from_where_the_configuration_says(survey, tmp_path):
    stamps = survey(1, 0, 1)
    raters = {"raters": 2, "votes_per_candidate": 2, "error_rate": 0.1, "seed": 0}
    simulated = cast_votes(stamps, votes={"origin": "simulate", "simulate": raters})
    assert simulated.equals(simulate_votes(stamps, **raters))
    simulated.iloc[:3].to_csv(tmp_path / "votes.csv", index=False)
    read = cast_votes(stamps, votes={"origin": "path", "path": str(tmp_path / "votes.csv")})
    assert read.equals(simulated.iloc[:3])
