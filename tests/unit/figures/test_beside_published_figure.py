import numpy as np
import pandas as pd
import pytest

from stampshift.figures.beside_published import beside_published


@pytest.fixture
def numbers():
    rows = [
        ("baseline", "A", "A", 0, "A", 0.9, 0.91, 1.0),
        ("baseline", "A", "B", 0, "B", 0.6, 0.50, -6.0),
        ("mme", "A", "B", 1, "A", 0.8, 0.80, 0.0),
        ("mme", "A", "B", 5, "B", 0.7, 0.71, np.nan),
    ]
    columns = ["method", "source", "target", "shots", "evaluated_on"]
    table = pd.DataFrame(rows, columns=[*columns, "published_mean", "mean", "deviation"])
    return table.assign(published_std=0.01, std=0.02, splits=4)


def test_every_number_is_a_point_on_both_sides(numbers):
    left, right = beside_published(numbers).axes
    points = np.concatenate([container[0].get_xydata() for container in left.containers])
    assert sorted(map(tuple, points)) == sorted(
        map(tuple, numbers[["published_mean", "mean"]].to_numpy(float))
    )
    assert [text.get_text() for text in right.get_yticklabels()] == [
        "baseline,\non source", "baseline,\non target", "MME,\non source", "MME,\non target",
    ]  # fmt: skip
    low, high = right.get_xlim()
    assert low < -6 and high == -low  # the largest deviation is in sight, zero in the middle


def test_both_axes_of_the_scatter_are_one(numbers):
    left = beside_published(numbers).axes[0]
    assert left.get_xlim() == left.get_ylim()
