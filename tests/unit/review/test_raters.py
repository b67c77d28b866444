import pandas as pd
import pytest

from stampshift.review.raters import checked_name, one_spelling, rater_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" ann ", "ann"),
        ("Doe, Jane", "Doe, Jane"),
        ("Jose\u0301", "Jos\u00e9"),  # composed
        ("a\u200bn\u200c\u200dn\ufeff", "ann"),  # zero-width
        ("a\u2060n\u00adn\u180e", "ann"),  # word joiner, soft hyphen
        ("\u202eann\u202c\u2066", "ann"),  # other directions
        ("ann\ufe0f\u034f\u3164\U000e0041", "ann"),  # variation selector, joiner, filler, tag
        ("e\u200d\u0301", "\u00e9"),  # composed once nothing stands between
        ("\uff41\uff4e\uff4e", "ann"),  # wide
        ("Jane\u00a0\u3000 Doe", "Jane Doe"),
    ],
)
def test_a_name_is_kept_as_it_is_seen(typed, name):
    assert rater_name(typed) == checked_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["", "  ", "\u200b", "\u2800\u115f", "a\nb", "a\tb", "a\x00b", "a\x85b", "a\u2029b", "a" * 41]
)
def test_what_is_no_name(typed):
    with pytest.raises(ValueError, match="a name has"):
        checked_name(typed)


def test_forty_letters_with_unseen_ones_between_are_a_name():
    assert checked_name("a\u200b" * 40) == "a" * 40


def test_spellings_are_those_of_the_first_row():
    names = pd.Series(["bob", "Ann", "a\u200bnn", "ANN", "Stra\u00dfe", "STRASSE"])
    assert one_spelling(names).tolist() == ["bob", "Ann", "Ann", "Ann", "Stra\u00dfe", "Stra\u00dfe"]
    assert one_spelling(pd.Series([], dtype=object)).tolist() == []
