"""What is measured of a stamp."""

import numpy as np
import pytest

import realism


def test_statistics_of_stamps_by_hand():
    checkers = (-1.0) ** np.add(*np.indices((21, 21)))
    stripes = np.where(np.arange(21) % 2, 1.0, -1.0)[:, np.newaxis] * np.ones(21)
    stamps = np.stack([[checkers, checkers, stripes], [stripes.T, -stripes.T, checkers]]).astype("f4")
    found = realism.statistics(stamps)
    assert found["template: neighbour correlation"][0] == pytest.approx(-1, abs=0.01)
    assert found["difference: correlation along columns - rows"][0] == pytest.approx(-2, abs=0.01)
    assert found["correlation of template and science"].tolist() == pytest.approx([1, -1])
    assert found["template: shoulder of the peak"].tolist() == pytest.approx([-1, 0])
