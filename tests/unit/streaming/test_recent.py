"""Which candidates were scored lately."""

from stampshift.streaming.recent import Recent


def test_the_last_candidates_are_known_and_older_ones_forgotten():
    recent = Recent(most=2)
    assert [recent.scored_before(("A", each)) for each in ("1", "2", "1", "3")] == [False, False, True, False]
    # 2 is the oldest of three: 1 came again
    assert [recent.scored_before(("A", each)) for each in ("1", "3", "2")] == [True, True, False]


def test_a_candidate_is_that_of_its_survey_and_one_without_identifier_is_none():
    recent = Recent()
    recent.add([("A", "1")])
    assert recent.scored_before(("A", "1"))
    assert not recent.scored_before(("B", "1"))
    assert [recent.scored_before(None) for _ in range(2)] == [False, False]
