import pytest

from stampshift.review import queue as queue_module
from stampshift.review.drawing import Draw
from stampshift.review.queue import Queue
from stampshift.review.reviewed import open_review


@pytest.fixture
def queue(review, store):
    return Queue(review, store, raters_per_candidate=2)


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
    queue = Queue(review, store, raters_per_candidate=1)
    assert names(queue, "ann") == ["c0", "c1", "c2"]
    assert names(queue, "bob") == ["c3", "c4", "c5"]
    everything = names(queue, "bob", 30)
    assert everything[-3:] == ["c0", "c1", "c2"]
    assert len(everything) == 30


def test_two_raters_who_take_turns_finish_without_waiting(review, store, say):
    queue = Queue(review, store, raters_per_candidate=1)
    voted = []
    while queue.progress("ann")["left"]:
        ann, bob = names(queue, "ann", 1), names(queue, "bob", 1)
        assert ann
        voted += ann + bob
        say(*(f"ann {name} real" for name in ann), *(f"bob {name} real" for name in bob))
    assert sorted(voted) == sorted(review.candidates)
    assert names(queue, "ann") == names(queue, "bob") == []


def test_a_closed_laptop_keeps_nothing_back(review, store, monkeypatch):
    queue = Queue(review, store, raters_per_candidate=1)
    names(queue, "ann")
    monkeypatch.setattr(queue_module, "SHOWN_SECONDS", 0)
    assert names(queue, "bob") == ["c0", "c1", "c2"]


def test_progress_counts_mine_and_all(queue, say):
    say("ann c0 real", "ann c1 skip", "bob c0 bogus", "bob c2 real", "cyd c2 real", "cyd c3 real")
    everyone = {"complete": 2, "candidates": 30, "votes": 5, "seen": 6}
    assert queue.progress("ann") == {"mine": 2, "left": 27, **everyone}
    assert queue.progress("new") == {"mine": 0, "left": 28, **everyone}


def test_the_last_votes_are_the_first_to_be_undone(queue, say):
    say("ann c0 real", "ann c1 real", "bob c2 real", "ann c0 bogus")
    last = [(candidate.id, vote) for candidate, vote in queue.last("ann", 5)]
    assert last == [("c0", "bogus"), ("c1", "real")]
    assert queue.last("ann", 1)[0][1] == "bogus"
    assert queue.raters() == ["ann", "bob"]


def test_two_servers_on_one_file_see_each_others_votes(review, queue, store, say):
    other = Queue(review, store, raters_per_candidate=2)
    assert names(other, "ann")[0] == "c0"
    say("ann c0 real")
    assert names(queue, "ann")[0] == names(other, "ann")[0] == "c1"


def test_votes_on_what_is_not_asked_about_are_left_alone(study, store, say):
    say("ann c0 real", "ann c29 real", "bob c29 bogus")
    drawn = open_review(study, stamps=None, draw=Draw("suspicion", 2, 0))
    queue = Queue(drawn, store, raters_per_candidate=2)
    assert names(queue, "ann") == ["c1"]
    assert queue.progress("ann")["mine"] == 1
    assert queue.progress("ann")["candidates"] == 2
    assert [candidate.id for candidate, _ in queue.last("ann", 5)] == ["c0"]
