import pytest

from review_server import ONE, TWO
from stampshift.core.errors import ConfigError
from stampshift.review import queue as queue_module
from stampshift.review.asking import Asking
from stampshift.review.drawing import Draw
from stampshift.review.queue import Queue
from stampshift.review.reviewed import open_review


@pytest.fixture
def queue(review, store):
    return Queue(review, store, asking=TWO)


def names(queue, rater, count=3, held=()):
    return [candidate.id for candidate in queue.next(rater, count, held=held)]


def test_the_most_suspicious_without_own_votes_and_skips_and_held_ones(queue, say):
    say("ann c0 real", "ann c2 skip", "bob c1 real")
    assert names(queue, "ann", held=["c3"]) == ["c1", "c4", "c5"]


def test_what_enough_others_voted_on_waits_no_longer(queue, say):
    say("bob c0 real", "cyd c0 bogus", "bob c1 real", "cyd c1 skip")
    assert names(queue, "ann") == ["c1", "c2", "c3"]


def test_an_undone_vote_is_asked_for_again(queue, say):
    say("ann c0 real", "bob c1 real", "cyd c1 real")
    assert names(queue, "ann") == ["c2", "c3", "c4"]
    say("ann c0 undo", "cyd c1 undo")
    assert names(queue, "ann") == ["c0", "c1", "c2"]


def test_what_others_will_complete_comes_last_and_not_never(review, store, say):
    queue = Queue(review, store, asking=ONE)
    assert names(queue, "ann") == ["c0", "c1", "c2"]
    assert names(queue, "bob") == ["c3", "c4", "c5"]
    everything = names(queue, "bob", 30)
    assert everything[-3:] == ["c0", "c1", "c2"]
    assert len(everything) == 30


def test_two_raters_who_take_turns_finish_without_waiting(review, store, say):
    queue = Queue(review, store, asking=ONE)
    voted = []
    while queue.progress("ann")["left"]:
        ann, bob = names(queue, "ann", 1), names(queue, "bob", 1)
        assert ann
        voted += ann + bob
        say(*(f"ann {name} real" for name in ann), *(f"bob {name} real" for name in bob))
    assert sorted(voted) == sorted(review.candidates)
    assert names(queue, "ann") == names(queue, "bob") == []


def test_a_closed_laptop_keeps_nothing_back(review, store, monkeypatch):
    queue = Queue(review, store, asking=ONE)
    names(queue, "ann")
    monkeypatch.setattr(queue_module, "SHOWN_SECONDS", 0)
    assert names(queue, "bob") == ["c0", "c1", "c2"]


def test_progress_counts_mine_and_all(queue, say):
    say("ann c0 real", "ann c1 skip", "bob c0 bogus", "bob c2 real", "cyd c2 real", "cyd c3 real")
    everyone = {"complete": 2, "candidates": 30, "votes": 5, "seen": 6}
    assert queue.progress("ann") == {"mine": 2, "left": 27, "my_real": 1, "my_bogus": 0, **everyone}
    assert queue.progress("new") == {"mine": 0, "left": 28, "my_real": 0, "my_bogus": 0, **everyone}


def test_the_last_votes_are_the_first_to_be_undone(queue, say):
    say("ann c0 real", "ann c1 real", "bob c2 real", "ann c0 bogus")
    last = [(candidate.id, vote) for candidate, vote in queue.last("ann", 5)]
    assert last == [("c0", "bogus"), ("c1", "real")]
    assert queue.last("ann", 1)[0][1] == "bogus"
    assert queue.raters() == ["ann", "bob"]


def test_two_servers_on_one_file_see_each_others_votes(review, queue, store, say):
    other = Queue(review, store, asking=TWO)
    assert names(other, "ann")[0] == "c0"
    say("ann c0 real")
    assert names(queue, "ann")[0] == names(other, "ann")[0] == "c1"


def test_votes_on_what_is_not_asked_about_are_left_alone(study, store, say):
    say("ann c0 real", "ann c29 real", "bob c29 bogus")
    drawn = open_review(study, stamps=None, draw=Draw("suspicion", 2, 0))
    queue = Queue(drawn, store, asking=TWO)
    assert names(queue, "ann") == ["c1"]
    assert queue.progress("ann")["mine"] == 1
    assert queue.progress("ann")["candidates"] == 2
    assert [candidate.id for candidate, _ in queue.last("ann", 5)] == ["c0"]


@pytest.fixture
def disputes(review, store):
    """Three raters for every candidate, at the most five for a disputed one, then Eve."""
    return Queue(review, store, asking=Asking.of(raters=3, most=5, margin=2, adjudicator="Eve"))


def asked_about_c0(queue, *raters):
    return [rater for rater in raters if "c0" in names(queue, rater, 30)]


def test_a_disputed_candidate_is_shown_to_further_raters_until_the_margin(disputes, say):
    everyone = ("ann", "bob", "cyd", "dan", "eli", "fay", "eve")
    say("ann c0 real", "bob c0 real")
    assert asked_about_c0(disputes, *everyone) == ["cyd", "dan", "eli", "fay"]
    say("cyd c0 bogus")
    assert asked_about_c0(disputes, *everyone) == ["dan", "eli", "fay"]
    say("dan c0 real")
    # 3 to 1: the margin is reached
    assert asked_about_c0(disputes, *everyone) == []
    assert disputes.progress("eli")["complete"] == 1
    say("dan c0 undo", "dan c0 bogus")
    # 2 to 2, and 2 to 3 with the fifth: no margin
    assert asked_about_c0(disputes, *everyone) == ["eli", "fay"]
    say("eli c0 bogus")
    assert asked_about_c0(disputes, *everyone) == ["eve"]


def test_the_adjudicator_sees_what_stays_disputed_and_nothing_else(disputes, say):
    assert names(disputes, "eve", 30) == []
    assert disputes.progress("eve")["left"] == 0
    say("ann c0 real", "bob c0 real", "cyd c0 bogus", "dan c0 bogus", "eli c0 bogus")
    assert names(disputes, "EVE", 30) == ["c0"]
    assert disputes.progress("eve") | {"seen": 0} == {
        "mine": 0, "left": 1, "my_real": 0, "my_bogus": 0,
        "complete": 0, "candidates": 30, "votes": 5, "seen": 0,
    }  # fmt: skip
    say("eve c0 skip")
    assert disputes.progress("ann")["complete"] == 0
    say("eve c0 bogus")
    assert disputes.progress("ann")["complete"] == 1
    assert disputes.progress("fay")["left"] == 29


def test_the_adjudicators_vote_is_none_of_the_raters(disputes, say):
    say("ann c0 real", "bob c0 real", "eve c0 bogus")
    assert asked_about_c0(disputes, "cyd", "eve") == ["cyd"]
    say("cyd c0 real")
    assert asked_about_c0(disputes, "dan", "eve") == []


def test_people_who_agree_are_never_disputed(review, store, say):
    alone = Queue(review, store, asking=Asking.of(raters=1, most=None, margin=2, adjudicator=None))
    say("ann c0 real")
    assert "c0" not in names(alone, "bob", 30)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"most": 2}, "--max-raters: expected at least the 3 of --raters-per-candidate, found 2"),
        ({"adjudicator": " "}, "--adjudicator: a name has 1 to 40 visible characters"),
    ],
)
def test_impossible_options_are_one_sentence(options, message):
    with pytest.raises(ConfigError, match=message):
        Asking.of(**{"raters": 3, "most": None, "margin": 2, "adjudicator": None} | options)
