"""The division of real alerts into an open and a reserved half."""

import numpy as np

from scored_alerts import ScoredAlerts, is_reserved


def test_an_object_is_in_the_same_half_for_ever():
    # printf 'ZTF ZTF18acdjhss' | sha256sum, its first byte odd or even
    first_bytes = {"ZTF18acdjhss": 0xC7, "ZTF18absykrq": 0xBE}
    for name, byte in first_bytes.items():
        assert is_reserved(name, survey="ZTF") == (byte % 2 == 1)
    names = [f"ZTF18{number:07}" for number in range(1000)]
    assert 450 < sum(is_reserved(name, survey="ZTF") for name in names) < 550


def test_classes_follow_the_scores_and_no_object_is_in_both_halves(real_data):
    rubin = ScoredAlerts(real_data, survey="Rubin")
    assert np.isfinite(rubin.scores).sum() == 54
    assert len(set(rubin.ids)) == len(rubin.ids)
    assert not set(rubin.groups[rubin.reserved]) & set(rubin.groups[~rubin.reserved])
    assert rubin.classes.tolist() == np.select([rubin.scores > 0.5, rubin.scores < 0.5], [1, 0], -1).tolist()


def test_alerts_of_one_exposure_can_be_left_out(real_data):
    all_of_them, without = (ScoredAlerts(real_data, survey="ZTF", without=each) for each in ((), ("975188",)))
    left_out = set(all_of_them.ids) - set(without.ids)
    assert left_out == {each for each in all_of_them.ids if each.startswith("975188")} != set()
