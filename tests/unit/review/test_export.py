import sqlite3
from contextlib import ExitStack, closing
from unittest.mock import Mock

import pandas as pd
import pytest

from review_server import write_new_survey
from stampshift.core.errors import ContractError
from stampshift.review.export import export
from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore
from stampshift.review.votes import Rule, majority, read_votes
from stampshift.surveys.label_table import classes_by_id


@pytest.fixture
def files(tmp_path):
    return {
        "relabels": tmp_path / "out" / "DES.csv",
        "votes": tmp_path / "out" / "DES-votes.csv",
        "raters": tmp_path / "out" / "DES-raters.csv",
    }


def test_decided_candidates_and_standing_votes_are_written(store, say, files):
    say("ann c0 real", "bob c0 real")  # bogus before: flipped
    say("ann c1 real", "bob c1 real")  # real before: kept
    say("ann c3 bogus", "bob c3 bogus", "cyd c3 skip")  # real before: flipped
    say("ann c4 real", "bob c4 bogus")  # disputed
    say("ann c5 real", "ann c6 real", "ann c6 undo")  # too few
    told = export(store, rule=Rule(2, 1), **files)
    assert files["relabels"].read_text().splitlines() == [
        "id,old_label,label",
        "c0,bogus,real",
        "c1,real,real",
        "c3,real,bogus",
    ]
    votes = pd.read_csv(files["votes"])
    assert list(votes) == ["id", "rater", "vote", "time", "tags", "seconds"]
    assert len(votes) == 10
    assert "c6" not in set(votes["id"])
    assert list(majority(votes, rule=Rule(2, 1))["label"]) == ["real", "real", "bogus", "", ""]
    assert "votes: 10 (ann 5, bob 4, cyd 1), of which 1 skips" in told
    assert (
        "decided by a margin of 2 among 1 vote or more: 3, of which 2 flipped (1 bogus to real, 1 real"
        in told
    )
    assert "undecided: 27, of which 1 disputed" in told
    # ann r r b r, bob r r b b: agreement 3/4, by chance 3/4 * 1/2 + 1/4 * 1/2
    assert "Cohen's kappa, ann and bob: 0.50 (4 candidates)" in told
    # five of eight votes are real: by chance (5/8)^2 + (3/8)^2 = 17/32
    assert "Fleiss' kappa, first 2 votes: 0.47 (4 candidates)" in told


def test_reasons_and_the_raters_are_written_and_gold_decides_nothing(store, say, files):
    say("bob c0 bogus", "bob c2 real")
    store.add(key="t" * 16, id="c0", rater="ann", vote="bogus", tags=["dipole", "edge"], seconds=3.0)
    store.add(key="u" * 16, id="c1", rater="ann", vote="bogus", tags=["dipole"], seconds=5.0)
    for number, rater in enumerate(("ann", "bob")):
        store.add_gold(key=f"{number:016}", id="c2", answer="bogus", rater=rater, vote="real", seconds=1.0)
    told = export(store, rule=Rule(2, 1), **files)
    assert files["relabels"].read_text().splitlines()[1:] == ["c0,bogus,bogus"]
    assert "reasons: dipole 2, edge 1" in told
    assert "known answers, ann: 0 of 1 right" in told
    votes = pd.read_csv(files["votes"], keep_default_na=False)
    assert votes.set_index(["rater", "id"]).loc[("ann", "c0"), "tags"] == "dipole;edge"
    assert files["raters"].read_text().splitlines() == [
        "rater,votes,skips,gold_seen,gold_right,median_seconds",
        "ann,2,0,1,0,3.0",
        "bob,2,0,1,0,1.0",
    ]


def test_nothing_decided_writes_nothing_and_says_how_far_it_is(store, say, files):
    say("ann c0 real")
    with pytest.raises(
        ContractError,
        match=r"no candidate is decided by a margin of 2 among 1 vote or more(.|\n)*votes: 1 \(ann 1\)",
    ):
        export(store, rule=Rule(2, 1), **files)
    assert not files["relabels"].parent.exists()
    assert "decided by a margin of 1 among 1 vote or more: 1" in export(store, rule=Rule(1, 1), **files)


@pytest.fixture
def voted(tmp_path):
    """A function that gives a store of votes, in words such as "ann n0 real", on stamps with these labels."""

    def open_store(labels, *votes):
        review = open_review(write_new_survey(tmp_path, labels), stamps=None)
        store = opened.enter_context(VoteStore.open(tmp_path / "votes.sqlite", review))
        for number, words in enumerate(votes):
            rater, name, vote = words.split()
            store.add(key=f"{number:016}", id=name, rater=rater, vote=vote)
        return store

    with ExitStack() as opened:
        yield open_store


def test_first_labels_are_counted_separately_and_no_label_is_reversed(voted, files):
    store = voted([255] * 5, "ann n0 real", "ann n1 bogus", "ann n2 real", "ann n3 skip")
    told = export(store, rule=Rule(1, 1), **files)
    assert files["relabels"].read_text().splitlines() == [
        "id,old_label,label",
        "n0,unlabelled,real",
        "n1,unlabelled,bogus",
        "n2,unlabelled,real",
    ]
    assert "among 1 vote or more: 3, of which 3 labelled for the first time (2 real, 1 bogus)\n" in told
    assert "undecided: 2, of which 0 disputed" in told
    assert "flipped" not in told


def test_labels_old_and_new_are_distinguished(voted, files):
    store = voted([255, 1, 0, 255], "ann n0 bogus", "ann n1 bogus", "ann n2 bogus")
    told = export(store, rule=Rule(1, 1), **files)
    assert list(pd.read_csv(files["relabels"])["old_label"]) == ["unlabelled", "real", "bogus"]
    assert (
        "decided by a margin of 1 among 1 vote or more: 3, of which 1 flipped (0 bogus to real, 1 real to "
        "bogus), "
        "1 labelled for the first time (0 real, 1 bogus)\n"
    ) in told


def test_no_votes_at_all(store, files):
    with pytest.raises(ContractError, match=r"votes: 0 \(none\)"):
        export(store, rule=Rule(2, 1), **files)


def test_a_vote_that_is_no_word_of_the_page_names_the_file(store, say, files):
    say("ann c0 real")
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute("DROP TRIGGER votes_are_not_changed")
        file.execute("PRAGMA ignore_check_constraints = ON")
        file.execute("UPDATE vote SET vote = 'maybe'")
    file.close()
    with pytest.raises(ContractError, match=rf"{store.path.name}: .*maybe"):
        export(store, rule=Rule(1, 1), **files)
    assert not any(path.exists() for path in files.values())


IDENTIFIERS = (
    *("#1", '"#2"', " leading", "\tleading", "trailing ", '5" mirror', '"', "'", "a,b", "c#", "-1", "=1+1"),
    *("two\nlines", "two\n#lines", "two\rlines", "two\u2028lines", "NA", "null", "Zo\u00eb"),
)


def test_every_identifier_survives_the_export_and_the_label_file(store, files, monkeypatch):
    labels = dict.fromkeys(IDENTIFIERS, "unlabelled")
    said = [(name, "ann", "real", f"2026-01-01T00:00:{n:02}Z", "", 1.5) for n, name in enumerate(labels)]
    standing = pd.DataFrame(said, columns=["id", "rater", "vote", "time", "tags", "seconds"])
    monkeypatch.setattr(store, "labels", lambda: labels)
    monkeypatch.setattr(store, "standing", lambda: standing)
    export(store, rule=Rule(1, 1), **files)
    assert classes_by_id(files["relabels"]) == dict.fromkeys(IDENTIFIERS, "real")
    stamps = Mock(ids=list(IDENTIFIERS), survey="New")
    pd.testing.assert_frame_equal(read_votes(files["votes"], stamps, remedy=""), standing.iloc[:, :4])


@pytest.mark.parametrize("which", ["relabels", "votes", "both"])
def test_no_file_replaces_another(store, say, files, which):
    say("ann c0 real")
    before = store.after(0)
    same = files | ({"votes": files["relabels"]} if which == "both" else {which: store.path})
    with pytest.raises(ContractError, match=r"must be four files; found .* Nothing was written"):
        export(store, rule=Rule(1, 1), **same)
    assert not files["relabels"].exists()
    with VoteStore.read(store.path) as kept:
        assert kept.after(0) == before


def test_names_with_commas_survive(store, files):
    for rater in ("Doe, Jane", 'Q "the eye"'):
        store.add(key=f"{rater:16}", id="c0", rater=rater, vote="real")
    export(store, rule=Rule(2, 1), **files)
    assert list(pd.read_csv(files["votes"])["rater"]) == ["Doe, Jane", 'Q "the eye"']


def test_an_adjudicator_decides_and_stays_apart(store, say, files):
    say("ann c0 real", "bob c0 real", "cyd c0 bogus", "eve c0 bogus")
    say("ann c1 real", "bob c1 real", "cyd c1 real")
    say("ann c2 real", "bob c2 bogus", "cyd c2 bogus")
    say("ann c3 real")
    told = export(store, rule=Rule(margin=2, min_votes=3, adjudicator="Eve"), **files)
    assert files["relabels"].read_text().splitlines()[1:] == ["c0,bogus,bogus", "c1,real,real"]
    assert "decided by a margin of 2 among 3 votes or more: 2, of which 0 flipped" in told
    assert "of these decided by Eve alone: 1\n" in told
    assert "undecided: 28, of which 1 disputed, and 27 with fewer than 3 votes\n" in told
    assert "kappa, ann and eve" not in told
    # within candidates 1/3, 1, 1/3: mean 5/9; six of nine votes are real: by chance 5/9
    assert "Fleiss' kappa, first 3 votes: 0.00 (3 candidates)" in told
