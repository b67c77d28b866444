"""A line a minute of what a stream has done."""

from stampshift.streaming.tally import Tally


def lines(*scores, duplicate=False):
    return [
        {"score": score, "real": None if score is None else score > 0.5, "duplicate": duplicate}
        for score in scores
    ]


def test_a_line_a_minute_has_the_rate_of_that_minute():
    now = [1000.0]
    tally = Tally(clock=lambda: now[0])
    assert not tally.due()
    now[0] += 60
    tally.count(lines(0.25, 0.75, None), messages=2, dead=1, sent=1058.0)
    assert tally.due()
    assert tally.line(waiting=1234) == (
        "stream: 2 messages, 3 candidates, 2 scored, 1 called real, 0 duplicates, 1 dead letters; "
        "0 candidates per second, 2.0 s behind the last message, 1,234 messages waiting"
    )
    assert not tally.due()
    now[0] += 60
    tally.count(lines(*[0.75] * 1200, duplicate=True), messages=1200, dead=0, sent=None)
    assert tally.due()
    assert tally.line(waiting=None) == (
        "stream: 1,202 messages, 1,203 candidates, 1,202 scored, 1,201 called real, 1,200 duplicates, 1 dead "
        "letters; 20 candidates per second"
    )
    assert tally.total().endswith("dead letters; 10 candidates per second")
