import pytest

from stampshift.review.rater_table import first_answers, rater_table


@pytest.fixture
def answer(store):
    """A function that saves votes on gold stamps from rater, stamp, answer and vote."""
    count = 0

    def save(*answers, seconds=None):
        nonlocal count
        for words in answers:
            count += 1
            rater, name, known, said = words.split()
            key = f"key-of-gold-{count:08}"
            store.add_gold(key=key, id=name, answer=known, rater=rater, vote=said, seconds=seconds)

    return save


def test_accuracy_is_of_first_answers_and_speed_of_all_votes(store, say, answer):
    say("ann c0 real", "ann c1 skip", "ann c2 real", "ann c2 undo", "Bob c0 bogus")
    for number, seconds in enumerate([2.0, 4.0, 9.0]):
        store.add(key=f"timed-{number:016}", id=f"c{5 + number}", rater="Ann", vote="real", seconds=seconds)
    answer("ann g1 real real", "ann g2 bogus real", "ann g2 bogus bogus", seconds=30.0)
    answer("ann g3 real skip", "ann g3 real undo", "bob g1 real bogus", "cyd g1 real real")
    table = rater_table(store).set_index("rater")
    assert list(table) == ["votes", "skips", "gold_seen", "gold_right", "median_seconds"]
    # of 2, 4, 9, 30, 30 and 30 seconds
    assert table.loc["ann"].tolist() == [5, 1, 2, 1, 19.5]
    assert table.loc["Bob"].iloc[:4].tolist() == [1, 0, 1, 0]
    assert table.loc["cyd"].iloc[:4].tolist() == [0, 0, 1, 1]
    assert table.loc[["Bob", "cyd"], "median_seconds"].isna().all()


def test_the_first_answer_counts_whatever_follows(store, answer):
    answer("ann g1 real skip", "ann g1 real bogus", "Ann g1 real real")
    assert first_answers(store.gold_votes())["vote"].tolist() == ["bogus"]


def test_nobody_has_voted(store):
    assert rater_table(store).empty
