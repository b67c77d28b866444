from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.voted_labels import agreement_numbers, cast_votes, voted_labels
from stampshift.review.votes import Rule, simulate_votes
from stampshift.stamps.file import UNLABELLED


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
            "adjudicated": [False, False, False],
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
    cast = simulate_votes(stamps.ids, stamps.labels, raters=4, votes_per_candidate=3, error_rate=0.2, seed=1)
    table = voted_labels(stamps, cast, rule=Rule(2, 1))
    # all three agree on about half of them: three votes lead by one or by three
    assert 30 < len(table) < 60
    assert table["unanimous"].all()
    hidden = replace(stamps, labels=np.zeros_like(stamps.labels))
    assert voted_labels(hidden, cast, rule=Rule(2, 1)).equals(table)


CLASSES = {"real": "real", "artifact": "bogus"}


def cast(stamps, votes, truth=None):
    return cast_votes(stamps, votes=votes, truth=truth, classes=CLASSES, stamps_file="results/stamps.h5")


def test_votes_come_from_where_the_configuration_says(survey, tmp_path):
    known = survey(1, 0, 1)
    stamps = replace(known, labels=np.full(3, UNLABELLED, np.uint8))
    truth = tmp_path / "labels.csv"
    truth.write_text("id,label\n103,real\n102,artifact\n101,real\n99,artifact\n")
    raters = {"raters": 2, "votes_per_candidate": 2, "error_rate": 0.1, "seed": 0}
    simulated = cast(stamps, {"origin": "simulate", "simulate": raters}, truth)
    assert simulated.equals(simulate_votes(known.ids, known.labels, **raters))
    simulated.iloc[:3].to_csv(tmp_path / "votes.csv", index=False)
    assert cast(stamps, {"origin": "path", "path": str(tmp_path / "votes.csv")}).equals(simulated.iloc[:3])


def test_a_candidate_without_a_truth_is_named(survey, tmp_path):
    truth = tmp_path / "labels.csv"
    truth.write_text("id,label\n101,real\n")
    raters = {"raters": 2, "votes_per_candidate": 2, "error_rate": 0.1, "seed": 0}
    with pytest.raises(ContractError, match="the truth should hold candidate 102 once, found 0"):
        cast(survey(1, 0), {"origin": "simulate", "simulate": raters}, truth)


def test_without_votes_it_says_how_people_give_them(survey, tmp_path):
    with pytest.raises(ContractError) as caught:
        cast(survey(1, 0), {"origin": "path", "path": "reviews/DES-votes.csv"})
    assert str(caught.value) == (
        "reviews/DES-votes.csv does not exist: there are no votes on DES. Let three people or more vote with "
        "`stampshift review results/stamps.h5`, export the votes with `stampshift review-export "
        "resources/reviews/DES.sqlite --votes-csv reviews/DES-votes.csv`, and start the workflow again; or "
        "change des_study.new_survey.votes."
    )


def test_votes_on_undecided_candidates_are_no_error(survey, tmp_path):
    """Two of three candidates are disputed or skipped, and stay without a label."""
    stamps = replace(survey(1, 0, 1, 0), labels=np.full(4, UNLABELLED, np.uint8))
    table = votes(_101="rrr", _102="rbs", _103="bbb", _104="ss")
    table.to_csv(tmp_path / "votes.csv", index=False)
    read = cast(stamps, {"origin": "path", "path": str(tmp_path / "votes.csv")})
    labels = voted_labels(stamps, read, rule=Rule(2, 3))
    assert labels["id"].tolist() == ["101", "103"]
