"""Which real alerts adapt a model, and which judge it: never the same ones."""

import numpy as np
import pytest

from real_alerts import Alerts
from stampshift.stamps.file import UNLABELLED, Stamps


@pytest.fixture(scope="module")
def rubin(real_data):
    return Alerts(real_data, survey="Rubin")


@pytest.mark.parametrize("reserved", [False, True])
def test_no_object_that_judges_adapts_and_none_of_the_reserved_half_ever_does(rubin, reserved):
    for draw in range(5):
        judging = rubin.judges(draw=draw, reserved=reserved)
        adapting = ~judging & ~rubin.reserved
        assert not set(rubin.groups[judging]) & set(rubin.groups[adapting])
        assert (rubin.reserved[judging] == reserved).all()
        assert adapting.any() and judging.any()


def test_a_draw_labels_as_many_of_each_class_one_alert_of_an_object(rubin, tmp_path):
    among = ~rubin.reserved
    known = rubin.drawn(among, labels=5, draw=3)
    assert rubin.classes[known].tolist() == 5 * [1] + 5 * [0]
    assert len(np.unique(rubin.groups[known])) == 10
    assert rubin.drawn(among, labels=5, draw=3).tolist() == known.tolist()
    assert rubin.drawn(among, labels=5, draw=4).tolist() != known.tolist()
    assert rubin.drawn(among, labels=20, draw=3) is None
    written = Stamps.open(rubin.write(tmp_path / "few.h5", among, known), unlabelled=True)
    assert sorted(written.ids[written.labels != UNLABELLED]) == sorted(rubin.ids[known])
    assert len(written) == among.sum()
