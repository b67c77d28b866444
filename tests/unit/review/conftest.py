import pytest

from review_server import write_study
from stampshift.review.reviewed import Review, open_review
from stampshift.review.vote_store import VoteStore


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def review(study) -> Review:
    return open_review(study, stamps=None)


@pytest.fixture
def store(tmp_path, review):
    with VoteStore.open(tmp_path / "votes.sqlite", review) as opened:
        yield opened


@pytest.fixture
def say(store):
    """A function that saves votes from words such as "ann c0 real", each under its own key."""
    count = 0

    def save(*votes: str):
        nonlocal count
        for words in votes:
            count += 1
            rater, name, vote = words.split()
            store.add(key=f"key-of-vote-{count:08}", id=name, rater=rater, vote=vote)

    return save
