import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.review.votes import read_votes, simulate_votes

REMEDY = "Let people vote."
RATERS = {"raters": 4, "votes_per_candidate": 3, "error_rate": 0.2, "seed": 5}


def test_each_candidate_has_its_votes_from_different_raters(survey):
    stamps = survey(*[0, 1] * 50)
    votes = simulate_votes(stamps.ids, stamps.labels, **RATERS)
    assert list(votes) == ["id", "rater", "vote", "time"]
    assert len(votes) == 300
    assert not votes.duplicated(["id", "rater"]).any()
    assert votes.groupby("id").size().unique().tolist() == [3]
    # drawn at random: each of four raters has about three quarters of a hundred
    assert votes["rater"].value_counts().between(60, 90).all()
    assert set(votes["rater"]) == {"rater-1", "rater-2", "rater-3", "rater-4"}


def test_the_share_of_wrong_votes_is_the_error_rate(survey):
    stamps = survey(*[0, 1] * 2000)
    votes = simulate_votes(stamps.ids, stamps.labels, **RATERS)
    truth = dict(zip(stamps.ids, np.where(stamps.labels == 1, "real", "bogus"), strict=True))
    wrong = votes["vote"] != votes["id"].map(truth)
    # 12,000 votes: a standard deviation of 0.0037
    assert wrong.mean() == pytest.approx(0.2, abs=0.012)
    # for both labels alike, and for every rater
    assert wrong.groupby(votes["id"].map(truth)).mean().to_numpy() == pytest.approx(0.2, abs=0.02)
    assert wrong.groupby(votes["rater"]).mean().to_numpy() == pytest.approx(0.2, abs=0.03)


def test_raters_without_error_say_the_truth(survey):
    stamps = survey(1, 0, 0)
    votes = simulate_votes(
        stamps.ids, stamps.labels, **RATERS | {"error_rate": 0.0, "votes_per_candidate": 1}
    )
    assert votes["vote"].tolist() == ["real", "bogus", "bogus"]


def test_votes_and_times_depend_on_the_seed_alone(survey):
    stamps = survey(*[0, 1] * 20)
    votes = simulate_votes(stamps.ids, stamps.labels, **RATERS)
    assert votes.equals(simulate_votes(stamps.ids, stamps.labels, **RATERS))
    other = simulate_votes(stamps.ids, stamps.labels, **RATERS | {"seed": 6})
    assert not votes["vote"].equals(other["vote"]) and not votes["rater"].equals(other["rater"])
    assert votes["time"].tolist()[:2] == ["2000-01-01T00:00:00Z", "2000-01-01T00:00:04Z"]
    assert votes["time"].is_unique


def test_what_is_simulated_can_be_read(survey, tmp_path):
    stamps = survey(*[0, 1] * 5)
    votes = simulate_votes(stamps.ids, stamps.labels, **RATERS)
    votes.to_csv(tmp_path / "votes.csv", index=False)
    pd.testing.assert_frame_equal(read_votes(tmp_path / "votes.csv", stamps, remedy=REMEDY), votes)


def test_spellings_of_one_rater_are_one_rater(survey, tmp_path):
    votes = ["101,Zo\u00eb,real,2026-01-01T00:00:00Z", "101,ZOE\u0308\u200b,bogus,2026-01-01T00:00:01Z"]
    path = write(tmp_path, *votes, "101,\u200b,real,2026-01-01T00:00:02Z")
    with pytest.raises(ContractError, match="a vote of no rater: candidate '101'"):
        read_votes(path, survey(1), remedy=REMEDY)
    assert read_votes(write(tmp_path, *votes), survey(1), remedy=REMEDY)["rater"].tolist() == ["Zo\u00eb"] * 2


LINES = ["101,anna,real,2026-01-02T03:04:05Z", "101,bob,skip,2026-01-02T03:04:05Z"]


def write(tmp_path, *lines, header="id,rater,vote,time"):
    path = tmp_path / "votes.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_rater_may_vote_again_later(survey, tmp_path):
    path = write(tmp_path, *LINES, "101,anna,bogus,2026-01-02T03:05:00Z")
    assert read_votes(path, survey(1), remedy=REMEDY)["vote"].tolist() == ["real", "skip", "bogus"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("101,carl,maybe,2026-01-02T03:04:05Z", "a vote is one of real, bogus, skip; found maybe"),
        ("101,carl,real,yesterday", "a time is not ISO 8601"),
        (LINES[0], r"a vote of the same rater at the same time twice: candidate '101', rater 'anna', 2026-"),
        ("7,carl,real,2026-01-02T03:04:05Z", r"a vote on no candidate of DES: candidate '7', rater 'carl'"),
        ("101, ,real,2026-01-02T03:04:05Z", "a vote of no rater"),
    ],
)
def test_invalid_votes_are_refused(line, message, survey, tmp_path):
    with pytest.raises(ContractError, match=rf"votes\.csv: .*{message}"):
        read_votes(write(tmp_path, *LINES, line), survey(1), remedy=REMEDY)


def test_a_file_of_another_kind_is_refused(survey, tmp_path):
    with pytest.raises(ContractError, match=r"votes\.csv: .*columns id, rater, vote, time are needed; rater"):
        read_votes(write(tmp_path, "101,real", header="id,vote,time"), survey(1), remedy=REMEDY)
    (tmp_path / "votes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContractError, match=r"votes\.csv: expected a CSV table of votes with the columns id"):
        read_votes(tmp_path / "votes.csv", survey(1), remedy=REMEDY)
    with pytest.raises(
        ContractError, match=r"none\.csv does not exist: there are no votes on DES\. Let people vote\."
    ):
        read_votes(tmp_path / "none.csv", survey(1), remedy=REMEDY)
