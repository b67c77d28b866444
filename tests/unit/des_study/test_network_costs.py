"""Table 1: parameters of the networks, and seconds per epoch."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stampshift.des_study.network_costs import network_costs, network_costs_table
from stampshift.training.model import Model

PUBLISHED = pd.read_csv(Path(__file__).parents[3] / "resources/published/des_study.csv")
TABLE_1 = {  # of Ayyar et al. (2022)
    "network_1": (265_165, 60),
    "network_2": (414_205, 127),
    "network_3": (851_605, 190),
    "network_4": (953_785, 47),
}


def run(network, *, epochs, seconds):
    model = Model(state={}, network=network, head="linear", size_pixels=51, temperature=None)
    return {
        "network": network,
        "trainable_parameters": model.trainable_parameters,
        "epochs": epochs,
        "seconds": seconds,
        "device": "cpu",
        "precision": "float32",
    }


@pytest.fixture
def metrics():
    runs = [run(network, epochs=4, seconds=10.0 * number) for number, network in enumerate(TABLE_1, start=1)]
    return {"first": runs, "second": [run("network_1", epochs=50, seconds=500.0)]}


def test_the_parameters_are_those_of_the_paper(metrics):
    numbers = network_costs(metrics, published=PUBLISHED, simulated=False)
    first = numbers[numbers["split"] == "first"].set_index("network")
    assert first["parameters"].to_dict() == {name: count for name, (count, _) in TABLE_1.items()}
    assert first["published_parameters"].to_dict() == first["parameters"].to_dict()
    assert first["published_seconds_per_epoch"].to_dict() == {name: s for name, (_, s) in TABLE_1.items()}
    assert first["seconds_per_epoch"].tolist() == [2.5, 5, 7.5, 10]
    assert numbers.loc[numbers["split"] == "second", "seconds_per_epoch"].tolist() == [10]


def test_no_published_time_stands_beside_one_on_a_simulated_survey(metrics):
    numbers = network_costs(metrics, published=PUBLISHED, simulated=True)
    assert np.isnan(numbers["published_seconds_per_epoch"]).all()
    assert numbers["published_parameters"].notna().all()
    cells = network_costs_table(numbers).cells
    assert set(cells["published seconds"]) == {"–"}
    assert cells.iloc[0].tolist() == [
        "network 1", "first", "265,165", "265,165", "4", "2.5", "–", "cpu", "float32",
    ]  # fmt: skip
