import pandas as pd
import pytest

from stampshift.errors import ContractError
from stampshift.relabelling.votes import majority
from stampshift.review.export import export


@pytest.fixture
def files(tmp_path):
    return {"relabels": tmp_path / "out" / "DES.csv", "votes": tmp_path / "out" / "DES-votes.csv"}


def test_decided_candidates_and_standing_votes_are_written(store, say, files):
    say("ann c0 real", "bob c0 real")  # bogus before: flipped
    say("ann c1 real", "bob c1 real")  # real before: kept
    say("ann c3 bogus", "bob c3 bogus", "cyd c3 skip")  # real before: flipped
    say("ann c4 real", "bob c4 bogus")  # disputed
    say("ann c5 real", "ann c6 real", "ann c6 undo")  # too few
    told = export(store, margin=2, **files)
    assert files["relabels"].read_text().splitlines() == [
        "id,old_label,label",
        "c0,bogus,real",
        "c1,real,real",
        "c3,real,bogus",
    ]
    votes = pd.read_csv(files["votes"])
    assert list(votes) == ["id", "rater", "vote", "time"]
    assert len(votes) == 10
    assert "c6" not in set(votes["id"])
    assert list(majority(votes, margin=2)["label"]) == ["real", "real", "bogus", "", ""]
    assert "votes: 10 (ann 5, bob 4, cyd 1), of which 1 skips" in told
    assert "decided by a margin of 2: 3, of which 2 flipped (1 bogus to real, 1 real to bogus)" in told
    assert "undecided: 27, of which 1 disputed" in told
    # ann r r b r, bob r r b b: agreement 3/4, by chance 3/4 * 1/2 + 1/4 * 1/2
    assert "Cohen's kappa, ann and bob: 0.50 (4 candidates)" in told
    # five of eight votes are real: by chance (5/8)^2 + (3/8)^2 = 17/32
    assert "Fleiss' kappa, 2 votes each: 0.47 (4 candidates)" in told


def test_nothing_decided_writes_nothing_and_says_how_far_it_is(store, say, files):
    say("ann c0 real")
    with pytest.raises(ContractError, match=r"nothing is decided by a margin of 2(.|\n)*votes: 1 \(ann 1\)"):
        export(store, margin=2, **files)
    assert not files["relabels"].parent.exists()
    assert "decided by a margin of 1: 1" in export(store, margin=1, **files)


def test_no_votes_at_all(store, files):
    with pytest.raises(ContractError, match=r"votes: 0 \(none\)"):
        export(store, margin=2, **files)


def test_names_with_commas_survive(store, files):
    for rater in ("Doe, Jane", 'Q "the eye"'):
        store.add(key=f"{rater:16}", id="c0", rater=rater, vote="real")
    export(store, margin=2, **files)
    assert list(pd.read_csv(files["votes"])["rater"]) == ["Doe, Jane", 'Q "the eye"']
