"""Runs of three surveys, all pairs, three methods, with a known value in every line."""

import itertools

import numpy as np
import pandas as pd
import pytest

SURVEYS = ("A", "B", "C")
SHOTS = (1, 10)
SEEDS = range(5)  # the fewest of which a box is drawn


@pytest.fixture(scope="session")
def all_runs() -> pd.DataFrame:
    """Long table; the third method, "new", is none that the project knows."""
    generator = np.random.default_rng(0)
    keys = [
        ("baseline", source, target, 0, seed, target)
        for source, target, seed in itertools.product(SURVEYS, SURVEYS, SEEDS)
    ]
    for source, target in itertools.permutations(SURVEYS, 2):
        keys += [
            (method, source, target, shots, seed, on)
            for method, shots, seed, on in itertools.product(
                ("finetune", "mme", "new"), SHOTS, SEEDS, (source, target)
            )
        ]
    columns = ["method", "source", "target", "shots", "seed", "evaluated_on"]
    runs = pd.DataFrame(keys, columns=columns)
    return runs.assign(balanced_accuracy=generator.uniform(0.5, 0.95, len(runs)))


@pytest.fixture(scope="session")
def with_no_labels(all_runs) -> pd.DataFrame:
    """Beside them MME with 0 shots, as good as with one."""
    mme = all_runs[(all_runs["method"] == "mme") & (all_runs["shots"] == 1)]
    return pd.concat([all_runs, mme.assign(shots=0)], ignore_index=True)
