import json

import pytest

from stampshift.metrics.change import Change


def test_a_change_counts_what_was_fixed_and_broken():
    change = Change.between(
        [0.9, 0.2, 0.1, 0.8, 0.7, 0.6],
        [0.9, 0.8, 0.7, 0.1, 0.2, 0.7],
        labels=[1, 1, 1, 0, 0, 0],
        survey="ZTF",
        stamps="test part",
    )
    assert (change.mended, change.broken) == (4, 0)
    assert change.p_value == pytest.approx(2 * 0.5**4)  # four of four, two-sided
    assert change.before["balanced_accuracy"] == pytest.approx((1 / 3 + 0) / 2)
    assert change.after["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert change.gain == pytest.approx(5 / 6 - 1 / 6)


def test_intervals_are_wilsons():
    change = Change.between(
        [0.9] * 10 + [0.1], [0.9] * 10 + [0.1], labels=[1] * 10 + [0], survey="A", stamps="x"
    )
    # n = 10, all right: n / (n + z^2) with z = 1.96
    low, high = change.after["recall_real_interval"]
    assert (low, high) == (pytest.approx(10 / (10 + 1.959964**2), abs=1e-5), pytest.approx(1.0))
    assert change.p_value == 1.0


def test_a_change_is_read_back_from_its_record():
    change = Change.between([0.9, 0.2], [0.4, 0.2], labels=[1, 0], survey="A", stamps="test part")
    assert Change.from_dict(json.loads(json.dumps(change.as_dict()))) == change
