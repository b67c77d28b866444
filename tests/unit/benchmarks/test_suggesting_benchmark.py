"""What the benchmark of `stampshift suggest` makes of its curves."""

import numpy as np
import pandas as pd

import suggesting


def test_an_accuracy_is_worth_the_random_labels_that_first_reach_it():
    random = pd.Series([0.5, 0.7, 0.65, 0.8], index=[0, 5, 10, 20])
    found = [suggesting.as_many_of_random(mean, random) for mean in (0.6, 0.7, 0.75, 0.81)]
    assert found == ["2", "5", "17", "over 20"]


def test_a_paired_difference_has_the_interval_of_its_mean():
    assert suggesting.interval(np.full(10, 0.25)) == "+0.250 (+0.250, +0.250)"
    differences = np.tile([-0.1, 0.1], 50)
    # 1.96 standard errors of 0.01
    assert suggesting.interval(differences) == "+0.000 (-0.020, +0.020)"
