import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.review.votes import agreement, majority


def votes(*rows: str) -> pd.DataFrame:
    """Votes from words such as "c1 ann real", a second apart."""
    cells = [row.split() for row in rows]
    table = pd.DataFrame(cells, columns=["id", "rater", "vote"])
    return table.assign(time=[f"2026-03-01T10:00:{second:02}Z" for second in range(len(table))])


def called(table: pd.DataFrame, *, margin: int) -> dict[str, str]:
    decided = majority(table, margin=margin)
    return dict(zip(decided["id"], decided["label"], strict=True))


def test_a_majority_needs_its_margin():
    table = votes(
        "a x real", "a y real", "b x real", "b y real", "b z bogus", "c x bogus", "c y bogus", "d x real"
    )
    assert called(table, margin=2) == {"a": "real", "b": "", "c": "bogus", "d": ""}
    assert called(table, margin=1) == {"a": "real", "b": "real", "c": "bogus", "d": "real"}
    assert called(table, margin=3) == {"a": "", "b": "", "c": "", "d": ""}


def test_counts_and_unanimity():
    decided = majority(votes("a x real", "a y real", "b x real", "b y bogus", "c x skip"), margin=2)
    assert decided.to_dict("list") == {
        "id": ["a", "b", "c"],
        "votes": [2, 2, 0],
        "real_votes": [2, 1, 0],
        "label": ["real", "", ""],
        "unanimous": [True, False, False],
    }


def test_the_last_vote_of_a_rater_counts_whatever_the_order_of_rows():
    table = votes("a x bogus", "a y real", "a x real")
    assert called(table, margin=2) == {"a": "real"}
    assert called(table.iloc[::-1], margin=2) == {"a": "real"}


def test_times_with_and_without_fractions_are_in_the_order_of_time():
    table = votes("a x bogus", "a x real").assign(time=["2026-03-01T10:00:00Z", "2026-03-01T10:00:00.5Z"])
    assert called(table, margin=1) == {"a": "real"}


def test_a_skip_withdraws_what_the_rater_said_before():
    assert called(votes("a x real", "a y real", "a y skip"), margin=1) == {"a": "real"}
    assert called(votes("a x real", "a y real", "a y skip"), margin=2) == {"a": ""}


def test_without_votes_there_are_no_candidates():
    assert len(majority(votes(), margin=2)) == 0
    assert agreement(votes()) == {"cohen": [], "fleiss": []}


def pair_of(*, both_real: int, first_only: int, second_only: int, both_bogus: int) -> pd.DataFrame:
    """Votes of two raters with a known two-by-two table."""
    cells = [("real", "real")] * both_real + [("real", "bogus")] * first_only
    cells += [("bogus", "real")] * second_only + [("bogus", "bogus")] * both_bogus
    rows = [
        {"id": f"c{number}", "rater": rater, "vote": vote, "time": "2026-03-01T10:00:00Z"}
        for number, pair in enumerate(cells)
        for rater, vote in zip(("ann", "bob"), pair, strict=True)
    ]
    return pd.DataFrame(rows)


def test_cohens_kappa_of_a_textbook_table():
    """Two readers of 50 grant proposals: 20, 5, 10 and 15; agreement 0.7, by chance 0.5, kappa 0.4."""
    table = pair_of(both_real=20, first_only=5, second_only=10, both_bogus=15)
    (pair,) = agreement(table)["cohen"]
    assert pair["raters"] == ["ann", "bob"]
    assert pair["candidates"] == 50
    assert pair["kappa"] == pytest.approx(0.4)


def test_fleiss_kappa_by_hand():
    """Real votes of three: 3, 3, 2, 0.

    Agreement within candidates 1, 1, 1/3, 1: mean 5/6; two thirds of all votes are real: by chance 5/9; kappa
    (5/6 - 5/9) / (4/9) = 0.625.
    """
    words = {"a": "rrr", "b": "rrr", "c": "rrb", "d": "bbb"}
    names = {"r": "real", "b": "bogus"}
    table = votes(
        *(f"{name} rater{k} {names[w]}" for name, word in words.items() for k, w in enumerate(word))
    )
    assert agreement(table)["fleiss"] == [{"votes": 3, "candidates": 4, "kappa": pytest.approx(0.625)}]


def test_fleiss_kappa_is_of_candidates_with_equally_many_votes():
    two = ["a x real", "a y real", "b x bogus", "b y bogus"]
    three = ["c x real", "c y real", "c z bogus", "d x real", "d y bogus", "d z bogus"]
    one = ["e x real", "e y skip"]
    groups = agreement(votes(*two, *three, *one))["fleiss"]
    assert [(group["votes"], group["candidates"]) for group in groups] == [(2, 2), (3, 2)]
    assert groups[0]["kappa"] == pytest.approx(1)
    # within candidates 1/3, by chance 1/2: (1/3 - 1/2) / (1/2)
    assert groups[1]["kappa"] == pytest.approx(-1 / 3)


def test_kappa_is_unknown_where_all_votes_are_the_same():
    found = agreement(votes("a x real", "a y real", "b x real", "b y real"))
    assert found["cohen"] == [{"raters": ["x", "y"], "candidates": 2, "kappa": None}]
    assert found["fleiss"] == [{"votes": 2, "candidates": 2, "kappa": None}]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (votes("a x maybe"), "a vote is one of real, bogus, skip; found maybe"),
        (votes("a x real").drop(columns="rater"), "rater missing"),
        (votes("a x real").assign(time="yesterday"), "not ISO 8601"),
    ],
)
def test_invalid_votes_are_refused(table, message):
    with pytest.raises(ContractError, match=message):
        majority(table, margin=2)
