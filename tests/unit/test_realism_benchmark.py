"""The division of real alerts into an open and a reserved half, and what is measured of a stamp."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def realism():
    sys.path.insert(0, str(FOLDER))  # as for a script, which finds its neighbours
    try:
        specification = importlib.util.spec_from_file_location("realism", FOLDER / "realism.py")
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(FOLDER))
    return module


def test_an_object_is_in_the_same_half_for_ever(realism):
    # printf 'ZTF ZTF18acdjhss' | sha256sum, its first byte odd or even
    first_bytes = {"ZTF18acdjhss": 0xC7, "ZTF18absykrq": 0xBE}
    for name, byte in first_bytes.items():
        assert realism.is_reserved(name, survey="ZTF") == (byte % 2 == 1)
    names = [f"ZTF18{number:07}" for number in range(1000)]
    assert 450 < sum(realism.is_reserved(name, survey="ZTF") for name in names) < 550


def test_both_halves_hold_every_alert_once_and_no_object_twice(realism, real_data):
    halves = [realism.real_alerts(real_data, survey="Rubin", reserved=each) for each in (False, True)]
    assert sum(len(stamps) for stamps, *_ in halves) == 54
    objects = [set(groups) for _, _, groups, _ in halves]
    assert not objects[0] & objects[1]


def test_statistics_of_stamps_by_hand(realism):
    checkers = (-1.0) ** np.add(*np.indices((21, 21)))
    stripes = np.where(np.arange(21) % 2, 1.0, -1.0)[:, np.newaxis] * np.ones(21)
    stamps = np.stack([[checkers, checkers, stripes], [stripes.T, -stripes.T, checkers]]).astype("f4")
    found = realism.statistics(stamps)
    assert found["template: neighbour correlation"][0] == pytest.approx(-1, abs=0.01)
    assert found["difference: correlation along columns - rows"][0] == pytest.approx(-2, abs=0.01)
    assert found["correlation of template and science"].tolist() == pytest.approx([1, -1])
    assert found["template: shoulder of the peak"].tolist() == pytest.approx([-1, 0])
