import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.review.votes import Rule, agreement, majority

RULE = Rule(margin=2, min_votes=3)


def votes(*rows: str) -> pd.DataFrame:
    """Votes from words such as "c1 ann real", a second apart."""
    cells = [row.split() for row in rows]
    table = pd.DataFrame(cells, columns=["id", "rater", "vote"])
    return table.assign(time=[f"2026-03-01T10:{n // 60:02}:{n % 60:02}Z" for n in range(len(table))])


def called(table: pd.DataFrame, *, margin: int) -> dict[str, str]:
    decided = majority(table, rule=Rule(margin, min_votes=1))
    return dict(zip(decided["id"], decided["label"], strict=True))


def test_a_majority_needs_its_margin():
    table = votes(
        "a x real", "a y real", "b x real", "b y real", "b z bogus", "c x bogus", "c y bogus", "d x real"
    )
    assert called(table, margin=2) == {"a": "real", "b": "", "c": "bogus", "d": ""}
    assert called(table, margin=1) == {"a": "real", "b": "real", "c": "bogus", "d": "real"}
    assert called(table, margin=3) == {"a": "", "b": "", "c": "", "d": ""}


def test_counts_and_unanimity():
    decided = majority(votes("a x real", "a y real", "b x real", "b y bogus", "c x skip"), rule=Rule(2, 1))
    assert decided.to_dict("list") == {
        "id": ["a", "b", "c"],
        "votes": [2, 2, 0],
        "real_votes": [2, 1, 0],
        "label": ["real", "", ""],
        "unanimous": [True, False, False],
        "adjudicated": [False, False, False],
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
    assert len(majority(votes(), rule=Rule(2, 1))) == 0
    assert agreement(votes(), rule=RULE) == {"cohen": [], "fleiss": []}


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
    (pair,) = agreement(table, rule=RULE)["cohen"]
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
    assert agreement(table, rule=RULE)["fleiss"] == [
        {"votes": 3, "candidates": 4, "kappa": pytest.approx(0.625)}
    ]


def test_fleiss_kappa_is_of_candidates_with_equally_many_votes():
    two = ["a x real", "a y real", "b x bogus", "b y bogus"]
    three = ["c x real", "c y real", "c z bogus", "d x real", "d y bogus", "d z bogus"]
    one = ["e x real", "e y skip"]
    groups = agreement(votes(*two, *three, *one), rule=RULE)["fleiss"]
    assert [(group["votes"], group["candidates"]) for group in groups] == [(2, 2), (3, 2)]
    assert groups[0]["kappa"] == pytest.approx(1)
    # within candidates 1/3, by chance 1/2: (1/3 - 1/2) / (1/2)
    assert groups[1]["kappa"] == pytest.approx(-1 / 3)


def test_kappa_is_unknown_where_all_votes_are_the_same():
    found = agreement(votes("a x real", "a y real", "b x real", "b y real"), rule=RULE)
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
        majority(table, rule=Rule(2, 1))


def test_a_candidate_with_too_few_votes_stays_undecided():
    table = votes("a x real", "a y real", "b x bogus", "b y bogus", "b z bogus", "c x real", "c y skip")
    decided = majority(table, rule=Rule(margin=2, min_votes=3))
    assert dict(zip(decided["id"], decided["label"], strict=True)) == {"a": "", "b": "bogus", "c": ""}


def test_the_adjudicator_decides_what_the_others_dispute_and_nothing_else():
    words = {"a": "rrb", "b": "rrr", "c": "rr", "d": "rbb", "e": "rrb"}
    names = {"r": "real", "b": "bogus"}
    cast = [f"{name} rater{k} {names[w]}" for name, word in words.items() for k, w in enumerate(word)]
    cast += ["a Eve bogus", "b eve bogus", "c eve real", "d EVE skip"]
    decided = majority(votes(*cast), rule=Rule(margin=2, min_votes=3, adjudicator="eve")).set_index("id")
    assert decided["label"].to_dict() == {"a": "bogus", "b": "real", "c": "", "d": "", "e": ""}
    assert decided["adjudicated"].to_dict() == {"a": True, "b": False, "c": False, "d": False, "e": False}
    # the adjudicator is none of those who voted
    assert decided["votes"].to_dict() == {"a": 3, "b": 3, "c": 2, "d": 3, "e": 3}
    assert decided.loc["b", "unanimous"] and not decided.loc["a", "unanimous"]
    # without the name, Eve is a rater like the others
    assert called(votes(*cast), margin=2) == {"a": "", "b": "real", "c": "real", "d": "", "e": ""}


def test_kappa_is_not_sorted_by_the_votes_that_disputes_bring():
    """Half of the candidates are agreed on by three; the others get as many more votes as the page asks for.

    By final numbers of votes, those with three would agree perfectly.
    """
    agreed = {f"a{k}": "rrr" for k in range(2)} | {f"b{k}": "bbb" for k in range(2)}
    disputed = {f"c{k}": "rrbr" for k in range(2)} | {f"d{k}": "bbrrb" for k in range(2)}
    names = {"r": "real", "b": "bogus"}
    cast = [
        f"{name} rater{k} {names[w]}"
        for name, word in (agreed | disputed).items()
        for k, w in enumerate(word)
    ]
    found = agreement(votes(*cast, "d0 eve bogus"), rule=Rule(margin=2, min_votes=3, adjudicator="Eve"))
    # within candidates 1 and 1/3: mean 2/3; half of the first three votes are real: (2/3 - 1/2) / (1/2)
    assert found["fleiss"] == [{"votes": 3, "candidates": 8, "kappa": pytest.approx(1 / 3)}]
    assert {rater for pair in found["cohen"] for rater in pair["raters"]} == {"rater0", "rater1", "rater2"}
    assert all(pair["candidates"] == 8 for pair in found["cohen"])
